import { lacksScope } from '../../auth/authorize.ts';
import { PROXYOS_ADMIN, PROXYOS_SCOPE } from '../../keys/proxyos-scopes.ts';
import { holds } from '../../keys/scopes.ts';
import type { Failure } from '../../lib/failure.ts';
import type { Principal } from '../../lib/principal.ts';

/** The scopes of this API, as its clients know them. */
export const SCOPES = [
  ...(['read', 'routes', 'agents', 'connections', 'admin'] as const),
  ...(['health:read', 'routes:read', 'certs:read', 'analytics:read', 'routes:write', 'certs:write'] as const),
] as const;

export type ProxyosScope = (typeof SCOPES)[number];

/**
 * Who may call a procedure. Every procedure says it.
 * - `nobody`: no credential is needed
 * - `credential before 2FA`: a session or a key, also of an account that still needs a second factor
 * - `person`: a session
 * - `person before 2FA`: a session, also of such an account
 * - `key admin`: the session of an admin, or a key with the scope `admin`
 * - `admin`: the session of an admin, or a key that can manage everything
 * - a scope: a session, or a key with this scope or `admin`
 */
export type Need =
  | ('nobody' | 'credential before 2FA' | 'person' | 'person before 2FA' | 'key admin' | 'admin')
  | { scope: ProxyosScope };

const BEFORE_2FA: readonly Need[] = ['nobody', 'credential before 2FA', 'person before 2FA'];

const insufficient = (scopes: readonly string[]): Failure => ({
  code: 'insufficient_scope',
  reason: 'route',
  scopes,
});

/** Why a principal may not do what needs a scope. `admin` holds all scopes of this API, and `*` holds them too. */
export function lacksProxyosScope(principal: Principal, scope: ProxyosScope): Failure | undefined {
  if (principal.kind === 'account')
    return principal.standing === 'pending' ? insufficient([PROXYOS_SCOPE + scope]) : undefined;
  const { scopes } = principal;
  return holds(scopes, PROXYOS_SCOPE + scope) || holds(scopes, PROXYOS_ADMIN)
    ? undefined
    : insufficient([PROXYOS_SCOPE + scope]);
}

/** Why a principal may not call a procedure; undefined when it may. */
export function lacks(principal: Principal, need: Need): Failure | undefined {
  const isPerson = principal.kind === 'account';
  if (isPerson && principal.lacksTwoFactor && !BEFORE_2FA.includes(need))
    return { code: 'two_factor_setup_required' };
  switch (need) {
    case 'nobody':
    case 'credential before 2FA':
      return undefined;
    case 'person':
    case 'person before 2FA':
      return isPerson ? undefined : { code: 'account_only' };
    case 'key admin':
      return lacksScope(principal, 'keys:write', 'proxyos');
    case 'admin':
      return lacksScope(principal, '*', 'proxyos');
    default:
      return lacksProxyosScope(principal, need.scope);
  }
}
