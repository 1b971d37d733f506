import { account } from './session.ts';

export const EVERYTHING = '*';

/** What Keyhearth's own scopes allow, in the words of the list that people pick from. */
export const OWN_SCOPES: readonly (readonly [scope: string, meaning: string])[] = [
  [EVERYTHING, 'Everything: manage all keys, and every scope of your own services'],
  ['keys:verify', 'Verify keys with POST /auth/verify: for a service that receives keys'],
  ['keys:read', 'List keys and read their settings and usage'],
  ['keys:write', 'Create, change, rotate, deactivate and delete keys'],
  ['usage:read', 'Read how often keys are verified'],
  ['audit:read', 'Read the audit log'],
  ['lockouts:write', 'List lockouts and end them'],
  ['metrics:read', 'Read the metrics of the service'],
  ['gateway:use', 'Send requests through the gateway'],
];

export const meaningOf = (scope: string) => OWN_SCOPES.find(([each]) => each === scope)?.[1];

/** Whether a scope is, or contains, another one. */
export const covers = (held: string, wanted: string) =>
  held === EVERYTHING || held === wanted || (held.endsWith(':*') && wanted.startsWith(held.slice(0, -1)));

const held = () => account.value?.scopes ?? [];

/**
 * The scopes that the person can pick for a key, without `*`, and what they allow. Nobody gives a key more than they
 * have.
 */
export function grantableScopes(): [scope: string, meaning: string][] {
  const own = OWN_SCOPES.map(([scope]) => scope).filter((scope) =>
    held().some((each) => covers(each, scope)),
  );
  return [...new Set([...own, ...held()])]
    .filter((scope) => scope !== EVERYTHING)
    .map((scope) => [scope, meaningOf(scope) ?? 'A scope of your own services']);
}

export const mayGrantEverything = () => held().includes(EVERYTHING);

/** Whether the person can give a key scopes that no list has. */
export const mayTypeScopes = () => held().some((scope) => scope.endsWith('*'));
