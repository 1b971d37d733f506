import { DomainError } from '../lib/failure.ts';
import type { AccountPrincipal, Actor } from '../lib/principal.ts';
import type { ApiKey } from './key.ts';
import { PROXYOS_ADMIN } from './proxyos-scopes.ts';
import { holds, type OwnScope } from './scopes.ts';

const RECENT_MS = 15 * 60_000;

/** With one of these, a key changes keys, reads who changed what, or lifts the lockout. */
const POWERFUL: readonly (OwnScope | typeof PROXYOS_ADMIN)[] = [
  'keys:write',
  'audit:read',
  'lockouts:write',
  PROXYOS_ADMIN,
];

/** @throws DomainError `recent_sign_in_required` */
export function assertRecent(
  { signedInAt }: Pick<AccountPrincipal, 'signedInAt'>,
  now: number,
  request: { isReading?: true } = {},
): void {
  if (now - signedInAt >= RECENT_MS) throw new DomainError({ code: 'recent_sign_in_required', ...request });
}

/**
 * Checks who gets a powerful key: one that manages other keys, for example. Such a key outlives the session that made it
 * and needs no password, so a stolen session must not make one. A key presents its secret with each request.
 * @throws DomainError `recent_sign_in_required`
 */
export function assertMayPassOn({ principal }: Actor, key: Pick<ApiKey, 'scopes'>, now: number): void {
  if (principal.kind !== 'account') return;
  if (POWERFUL.some((scope) => holds(key.scopes, scope))) assertRecent(principal, now);
}
