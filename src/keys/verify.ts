import type { ApiKey } from './key.ts';

/**
 * What a presented key turned out to be. Callers that have not proved themselves are told no more than "invalid".
 */
export type Verdict =
  | { ok: true; code: 'VALID'; key: ApiKey }
  | { ok: false; code: 'INACTIVE'; key: ApiKey }
  | { ok: false; code: 'NOT_FOUND' };

export function judge(key: ApiKey | undefined): Verdict {
  if (!key) return { ok: false, code: 'NOT_FOUND' };
  return key.isActive ? { ok: true, code: 'VALID', key } : { ok: false, code: 'INACTIVE', key };
}
