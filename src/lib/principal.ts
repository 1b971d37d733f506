import type { AccountId, KeyId, Scope, SessionId } from './brand.ts';
import type { Address } from './network.ts';
import type { RateLimit } from './rate-limit.ts';

/**
 * Who a request acts for: a union by `kind`. Services get it as the actor of a change. It was valid when the request
 * began, so a change reads it again inside its transaction.
 */
export type Principal = KeyPrincipal | AccountPrincipal;

export type Role = 'admin' | 'member';

/** What an account counts as. `pending`: it registered itself, and no admin has approved it yet. */
export type Standing = Role | 'pending';

/** The account that a key belongs to. */
export type Owner = Readonly<{ id: AccountId; standing: Standing }>;

export type KeyPrincipal = Readonly<{
  kind: 'key';
  id: KeyId;
  label: string;
  owner: string;
  scopes: readonly Scope[];
  rateLimits: readonly RateLimit[];
  /** How many of its requests may be open at the gateway at one time; null when that is not limited. */
  maxConcurrent: number | null;
  /** The first key of its chain of rotations, or the key itself. The keys of a chain share their rate limits. */
  rootId: KeyId;
  /** Null for a key that belongs to no account. */
  account: Owner | null;
  /** As for a person. Only an API where keys act for their accounts sets it. */
  lacksTwoFactor?: boolean;
}>;

/** A person who is signed in. */
export type AccountPrincipal = Readonly<{
  kind: 'account';
  id: AccountId;
  /** The credential of the request. */
  by: 'session' | 'access_token';
  sessionId: SessionId;
  email: string;
  standing: Standing;
  /** What the keys of the account may hold. */
  scopes: readonly Scope[];
  /** When the person last gave the password, in milliseconds since 1970. */
  signedInAt: number;
  /** The operator requires a second factor, and the account has none. It may do nothing else before. */
  lacksTwoFactor: boolean;
  /** This request has renewed the session, so that it lasts longer. */
  isRenewed?: true;
}>;

/** Who makes a change, and the request that asks for it. */
export type Actor = Readonly<{
  principal: Principal;
  /** The API of the request. A credential may reach other keys there. */
  api: 'core' | 'proxyos' | 'proxyhat';
  /** The address of the client: canonical text, or "unknown". */
  address: string;
  /** The same address, parsed; undefined when it is not known. */
  ip: Address | undefined;
  /** The address that failed attempts count for; undefined when they do not count. */
  lockoutKey: string | undefined;
  requestId: string;
}>;

/** Clients are served in turn where work takes long. The keys of a chain of rotations are one client. */
export const clientOf = (principal: Principal): string =>
  principal.kind === 'key' ? `key ${principal.rootId}` : `account ${principal.id}`;
