import type { KeyId } from '../lib/brand.ts';

/** An API key without its secret and without digests. */
export type ApiKey = Readonly<{
  id: KeyId;
  label: string;
  /** The first characters of the raw key. */
  hint: string;
  isActive: boolean;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** Milliseconds since 1970; null when the key was never used. */
  lastUsedAt: number | null;
  /** How often the key was used. The latest few seconds may be missing. */
  useCount: number;
}>;

/** The result of a verification. A client learns only that its own key is invalid, and not why. */
export type Verdict =
  | { code: 'VALID'; key: ApiKey }
  | { code: 'INACTIVE'; key: ApiKey }
  | { code: 'NOT_FOUND' };

export const isUsable = (key: ApiKey) => key.isActive;

const notFound: Verdict = { code: 'NOT_FOUND' };

export function judge(key: ApiKey | undefined): Verdict {
  if (!key) return notFound;
  return isUsable(key) ? { code: 'VALID', key } : { code: 'INACTIVE', key };
}
