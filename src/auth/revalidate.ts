import { findPrincipal } from '../accounts/session-store.ts';
import type { Revalidate } from '../keys/change.ts';
import { judge } from '../keys/key.ts';
import { accountMaker, keyMaker } from '../keys/maker.ts';
import { findKey } from '../keys/store.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import type { AccountPrincipal } from '../lib/principal.ts';
import { lacksScope } from './authorize.ts';

export type RevalidateParts = {
  clock: Pick<Clock, 'now'>;
  /** Whether an account needs a second factor that it does not have. */
  lacksTwoFactor: (account: Pick<AccountPrincipal, 'standing'> & { hasTwoFactor: boolean }) => boolean;
};

/**
 * Makes the function that reads a principal again and checks that it may still act. It was valid when the request began.
 * But a body can take long to arrive, and a credential that was revoked in the meantime must not change anything.
 *
 * The function throws a DomainError `invalid_api_key`, `invalid_session`, or `insufficient_scope` when the principal no
 * longer holds the scope.
 */
export const revalidator =
  ({ clock, lacksTwoFactor }: RevalidateParts): Revalidate =>
  async (handle, { principal, ip, api }, scope) => {
    if (principal.kind === 'account') {
      const account = await findPrincipal(handle, principal.sessionId, clock.now(), lacksTwoFactor);
      if (!account) throw new DomainError({ code: 'invalid_session' });
      const failure = scope === undefined ? undefined : lacksScope(account, scope, api);
      if (failure) throw new DomainError(failure);
      return accountMaker(account, { api });
    }
    const key = await findKey(handle, principal.id);
    const allowsPending = api === 'proxyhat';
    if (!key || judge(key, { now: clock.now(), ip, allowsPending }).code !== 'VALID')
      throw new DomainError({ code: 'invalid_api_key', remaining: undefined });
    const asker = { kind: 'key', scopes: key.scopes, account: key.account } as const;
    const failure = scope === undefined ? undefined : lacksScope(asker, scope, api);
    if (failure) throw new DomainError(failure);
    return keyMaker(key, { api });
  };
