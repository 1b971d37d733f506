import type { ApiKey } from './key.ts';

/**
 * What a presented key turned out to be. Callers that have not proved themselves are told no more than "invalid".
 */
export type Verdict =
  | { code: 'VALID'; key: ApiKey }
  | { code: 'INACTIVE'; key: ApiKey }
  | { code: 'NOT_FOUND' };

export function judge(key: ApiKey | undefined): Verdict {
  if (!key) return { code: 'NOT_FOUND' };
  return key.isActive ? { code: 'VALID', key } : { code: 'INACTIVE', key };
}
