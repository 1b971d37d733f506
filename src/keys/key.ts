import type { KeyId } from '../lib/brand.ts';

/** An API key as the rest of the service sees it: never with a secret or a digest of one. */
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

/** The result of verifying a key. A client that presents its own key learns no more than "invalid". */
export type Verdict =
  | { code: 'VALID'; key: ApiKey }
  | { code: 'INACTIVE'; key: ApiKey }
  | { code: 'NOT_FOUND' };

const notFound: Verdict = { code: 'NOT_FOUND' };

export function judge(key: ApiKey | undefined): Verdict {
  if (!key) return notFound;
  return key.isActive ? { code: 'VALID', key } : { code: 'INACTIVE', key };
}
