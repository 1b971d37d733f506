import { Scope } from '../lib/brand.ts';
import type { Actor, Principal } from '../lib/principal.ts';
import { holds, type OwnScope } from './scopes.ts';

/** The scopes of the ProxyOS API begin with this. Its clients do not see it. */
export const PROXYOS_SCOPE = 'proxyos:';

/** Holds all scopes of the ProxyOS API and manages its keys. Elsewhere it has no meaning. */
export const PROXYOS_ADMIN = Scope(`${PROXYOS_SCOPE}admin`);

const allOfProxyos: readonly Scope[] = [Scope(`${PROXYOS_SCOPE}*`)];

const MANAGE_KEYS: readonly OwnScope[] = ['keys:read', 'keys:write'];

/** What scopes count as at an API. No key gets more there than this. */
export function scopesAt(api: Actor['api'], scopes: readonly Scope[]): readonly Scope[] {
  if (api !== 'proxyos' || holds(scopes, '*')) return scopes;
  if (holds(scopes, PROXYOS_ADMIN)) return allOfProxyos;
  return scopes.filter((scope) => scope.startsWith(PROXYOS_SCOPE));
}

/** What a principal must hold at the ProxyOS API where a service asks for `needed`. */
export const neededAtProxyos = (kind: Principal['kind'], needed: OwnScope): string =>
  kind === 'key' && MANAGE_KEYS.includes(needed) ? PROXYOS_ADMIN : '*';
