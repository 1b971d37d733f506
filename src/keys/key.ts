import type { KeyId, RawKey, Scope } from '../lib/brand.ts';
import { type Address, contains, type Network } from '../lib/network.ts';
import type { Owner } from '../lib/principal.ts';
import type { RateLimit } from '../lib/rate-limit.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** How the key came here. */
export type KeySource = 'registered' | 'created' | 'imported' | 'config';

/** What a caller can choose for a key, and change later. */
export type KeySettings = Readonly<{
  label: string;
  /** Free text. It grants nothing. */
  owner: string;
  scopes: readonly Scope[];
  /** Milliseconds since 1970; null when the key does not expire. */
  expiresAt: number | null;
  /** Empty when every address is allowed. */
  allowedIps: readonly Network[];
  rateLimits: readonly RateLimit[];
  /** How many requests of the key may be open at the gateway at one time; null when that is not limited. */
  maxConcurrent: number | null;
  metadata: JsonObject;
}>;

/** An API key without its secret and without digests. */
export type ApiKey = KeySettings &
  Readonly<{
    id: KeyId;
    /** The first characters of the raw key. */
    hint: string;
    /** The part of a generated key before its last "_"; null for a key that a client supplied. */
    prefix: string | null;
    isActive: boolean;
    /** The key expired for certain, even if the clock goes back. */
    isExpired: boolean;
    source: KeySource;
    rotatedFrom: KeyId | null;
    rotatedTo: KeyId | null;
    /** The first key of its chain of rotations, or the key itself. */
    rootId: KeyId;
    /** The account that it belongs to. */
    account: Owner | null;
    /** Milliseconds since 1970. */
    createdAt: number;
    /** Milliseconds since 1970; null when the key was never used. */
    lastUsedAt: number | null;
    /** How often the key was used. The latest few seconds may be missing. */
    useCount: number;
  }>;

/** A key and its secret, which no other answer contains. */
export type KeyWithSecret = Readonly<{ key: ApiKey; rawKey: RawKey }>;

export type KeyStatus = 'active' | 'inactive' | 'expired';

/** When and from where a key is presented. */
export type Circumstances = Readonly<{
  /** Milliseconds since 1970. */
  now: number;
  /** Undefined when it is not known. */
  ip: Address | undefined;
  /** Whether a key counts whose account waits for approval. It is unknown otherwise. */
  allowsPending?: boolean | undefined;
}>;

/**
 * The result of a verification, without scopes and rate limits. A client learns only that its own key is invalid, and
 * not why.
 */
export type Verdict =
  | { code: 'VALID'; key: ApiKey }
  | { code: 'INACTIVE' | 'EXPIRED' | 'IP_NOT_ALLOWED'; key: ApiKey }
  | { code: 'NOT_FOUND' };

export const hasExpired = ({ isExpired, expiresAt }: ApiKey, now: number) =>
  isExpired || (expiresAt !== null && expiresAt <= now);

export function statusOf(key: ApiKey, now: number): KeyStatus {
  if (!key.isActive) return 'inactive';
  return hasExpired(key, now) ? 'expired' : 'active';
}

export const isUsable = (key: ApiKey, now: number) => key.isActive && !hasExpired(key, now);

export const isAllowedFrom = (networks: readonly Network[], ip: Address | undefined) =>
  networks.length === 0 || (ip !== undefined && networks.some((network) => contains(network, ip)));

const notFound: Verdict = { code: 'NOT_FOUND' };

export function judge(key: ApiKey | undefined, { now, ip, allowsPending }: Circumstances): Verdict {
  if (!key || (key.account?.standing === 'pending' && !allowsPending)) return notFound;
  if (!key.isActive) return { code: 'INACTIVE', key };
  if (hasExpired(key, now)) return { code: 'EXPIRED', key };
  return { code: isAllowedFrom(key.allowedIps, ip) ? 'VALID' : 'IP_NOT_ALLOWED', key };
}
