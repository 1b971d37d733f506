import type { AccountId } from '../lib/brand.ts';
import type { AccountPrincipal, Actor, KeyPrincipal } from '../lib/principal.ts';
import type { ApiKey } from './key.ts';
import { PROXYOS_PREFIX } from './key-format.ts';

/** The keys that somebody can see and change. All others do not exist for them. */
export type Reach = Readonly<
  { to: 'every' } | { to: 'account'; id: AccountId } | { to: 'prefix'; prefix: string }
>;

const everyKey: Reach = { to: 'every' };
const proxyosKeys: Reach = { to: 'prefix', prefix: PROXYOS_PREFIX };

/** Who asks, and through which API. */
export type Viewer = Pick<Actor, 'api'> &
  Readonly<{
    principal: Pick<KeyPrincipal, 'kind' | 'account'> | Pick<AccountPrincipal, 'kind' | 'id' | 'standing'>;
  }>;

/** Only an admin, or a key of an admin or of nobody, reaches the keys of others. */
export function reachOf({ principal, api }: Viewer): Reach {
  if (api === 'proxyos') return proxyosKeys;
  const account = principal.kind === 'key' ? principal.account : principal;
  if (account && (api === 'proxyhat' || account.standing !== 'admin'))
    return { to: 'account', id: account.id };
  return everyKey;
}

export function reaches(reach: Reach, key: Pick<ApiKey, 'account' | 'prefix'>): boolean {
  switch (reach.to) {
    case 'every':
      return true;
    case 'account':
      return key.account?.id === reach.id;
    case 'prefix':
      return key.prefix === reach.prefix;
  }
}
