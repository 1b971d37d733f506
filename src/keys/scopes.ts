import { Scope } from '../lib/brand.ts';

/**
 * What a key may do. A scope is `resource`, or `resource:action` with any number of further parts. `*` covers every scope,
 * and `resource:*` covers every scope that begins with `resource:`. A `*` in any other place has no meaning.
 */
export const SCOPE_PATTERN = /^(?:\*|[a-z0-9_-]+(?::[a-z0-9_*-]+)*)$/;
export const MAX_SCOPE_LENGTH = 100;
export const MAX_SCOPES = 64;

export const ALL_SCOPES = Scope('*');
/** What the requests of a gateway need. */
export const GATEWAY_USE = Scope('gateway:use');

/** The scopes that Keyhearth itself asks for. A service behind it can use any others. */
export const OWN_SCOPES = [
  'keys:read',
  'keys:write',
  'keys:verify',
  'audit:read',
  'usage:read',
  'metrics:read',
  'lockouts:write',
  'gateway:use',
] as const;

/** A scope that a route can need. */
export type OwnScope = (typeof OWN_SCOPES)[number] | '*';

/** The scopes of a key that holds everything. There is one such list, so that the common case needs no memory. */
export const everyScope: readonly Scope[] = [ALL_SCOPES];

function covers(held: Scope, wanted: string): boolean {
  if (held === ALL_SCOPES || held === wanted) return true;
  return held.endsWith(':*') && wanted.startsWith(held.slice(0, -1));
}

/** Whether scopes cover one scope, which may be a wildcard itself. */
export function holds(held: readonly Scope[], wanted: string): boolean {
  for (const scope of held) if (covers(scope, wanted)) return true;
  return false;
}

/** The scopes of `wanted` that `held` does not cover. */
export const missingScopes = (held: readonly Scope[], wanted: readonly Scope[]): Scope[] =>
  wanted.filter((scope) => !holds(held, scope));

/** What both cover. Of two scopes that overlap, one covers the other. */
export function commonScopes(one: readonly Scope[], other: readonly Scope[]): readonly Scope[] {
  const kept = one.filter((scope) => holds(other, scope));
  return [...kept, ...other.filter((scope) => holds(one, scope) && !holds(kept, scope))];
}

/** The same scopes, each once. `*` makes all others unnecessary. */
export function withoutRepeats(scopes: readonly Scope[]): readonly Scope[] {
  return scopes.includes(ALL_SCOPES) ? everyScope : [...new Set(scopes)];
}
