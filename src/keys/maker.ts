import type { AuditActor } from '../audit/event.ts';
import type { KeyId } from '../lib/brand.ts';
import type { AccountPrincipal, Actor, KeyPrincipal, Owner } from '../lib/principal.ts';
import type { ApiKey } from './key.ts';
import type { Holdings } from './permission.ts';
import { scopesAt } from './proxyos-scopes.ts';
import { type Reach, reachOf } from './reach.ts';
import type { OwnScope } from './scopes.ts';

/** Who makes a change, as it is inside the transaction of the change. */
export type Maker = Holdings &
  Readonly<{
    /** The key that acts; undefined for a person. */
    keyId: KeyId | undefined;
    /** The account that a new key belongs to. */
    account: Owner | null;
    /** The keys that it can change. */
    reach: Reach;
    /** For the audit log. */
    as: AuditActor;
  }>;

/** What a person may do with their own keys. Nobody needs to grant it, and it reaches no other key. */
const OWN_KEYS: readonly OwnScope[] = ['keys:read', 'keys:write', 'usage:read', 'audit:read'];

/** Who asks, as far as it decides about their own keys. */
export type Asker = Pick<KeyPrincipal, 'kind' | 'account'> | Pick<AccountPrincipal, 'kind'>;

/** At the ProxyHat API, the key of an account acts for its person, whatever its scopes. */
const actsForPerson = (asker: Asker, api: Actor['api']): boolean =>
  asker.kind === 'account' || (api === 'proxyhat' && asker.account !== null);

/** Whether somebody may do this with the keys of their own account, apart from the scopes. */
export const mayUseForOwnKeys = (asker: Asker, scope: OwnScope, api: Actor['api']): boolean =>
  OWN_KEYS.includes(scope) && actsForPerson(asker, api);

export const keyMaker = (key: ApiKey, { api }: Pick<Actor, 'api'>): Maker => ({
  ...{ expiresAt: key.expiresAt, allowedIps: key.allowedIps },
  ...{ rateLimits: key.rateLimits, maxConcurrent: key.maxConcurrent },
  scopes: scopesAt(api, key.scopes),
  keyId: key.id,
  account: key.account,
  reach: reachOf({ api, principal: { kind: 'key', account: key.account } }),
  as: { kind: 'key', id: key.id, hint: key.hint, label: key.label, account: key.account?.id ?? null },
});

export const accountMaker = (account: AccountPrincipal, { api }: Pick<Actor, 'api'>): Maker => ({
  ...{ scopes: account.scopes, expiresAt: null, allowedIps: [] },
  ...{ rateLimits: [], maxConcurrent: null },
  keyId: undefined,
  account: { id: account.id, standing: account.standing },
  reach: reachOf({ api, principal: account }),
  as: { kind: 'account', id: account.id, label: account.email },
});
