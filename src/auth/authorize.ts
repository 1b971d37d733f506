import { type Asker, mayUseForOwnKeys } from '../keys/maker.ts';
import { neededAtProxyos } from '../keys/proxyos-scopes.ts';
import { holds, missingScopes, type OwnScope } from '../keys/scopes.ts';
import type { Scope } from '../lib/brand.ts';
import type { Failure } from '../lib/failure.ts';
import type { Actor, Principal } from '../lib/principal.ts';

const insufficient = (kind: Principal['kind'], scopes: readonly string[]): Failure => ({
  code: 'insufficient_scope',
  reason: 'route',
  scopes,
  ...(kind === 'account' && { isPerson: true }),
});

/** Why a principal may not use a route that needs a scope, or undefined. People may manage their own keys without one. */
export function lacksScope(
  principal: Asker & Pick<Principal, 'scopes'>,
  needed: OwnScope,
  api: Actor['api'] = 'core',
): Failure | undefined {
  const { kind, scopes } = principal;
  if (api === 'proxyos') {
    const instead = neededAtProxyos(kind, needed);
    return holds(scopes, instead) ? undefined : insufficient(kind, [instead]);
  }
  return holds(scopes, needed) || mayUseForOwnKeys(principal, needed, api)
    ? undefined
    : insufficient(kind, [needed]);
}

/** The failure of a verification that asks for scopes, or undefined when the principal holds all of them. */
export function lacksScopes(
  { kind, scopes }: Pick<Principal, 'kind' | 'scopes'>,
  wanted: readonly Scope[],
): Failure | undefined {
  const missing = missingScopes(scopes, wanted);
  return missing.length > 0 ? insufficient(kind, missing) : undefined;
}
