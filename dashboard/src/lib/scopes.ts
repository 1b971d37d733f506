/** What Keyhearth's own scopes allow, in the words of the list that people pick from. */
export const OWN_SCOPES: readonly (readonly [scope: string, meaning: string])[] = [
  ['*', 'Everything: manage all keys, and every scope of your own services'],
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
