import type { Reader } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import { DomainError } from '../lib/failure.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import type { Actor, Owner } from '../lib/principal.ts';
import type { Account } from './account.ts';
import { findAccount } from './account-store.ts';
import type { LacksTwoFactor } from './session-store.ts';

export type Profiles = ReturnType<typeof createProfiles>;

export type ProfileParts = { db: Db; reader: Reader; lacksTwoFactor: LacksTwoFactor };

/** The accounts behind requests, where the key of an account acts for its person. */
export function createProfiles({ db, reader, lacksTwoFactor }: ProfileParts) {
  const findFactor = reader.find('accounts', 'id', ['is_totp_confirmed']);

  return {
    /** The account of the person, or of the key. @throws DomainError `account_only`, `invalid_session` */
    async of({ principal }: Actor): Promise<Account> {
      const id = principal.kind === 'account' ? principal.id : principal.account?.id;
      if (id === undefined) throw new DomainError({ code: 'account_only' });
      const account = await findAccount(db, id);
      if (!account) throw new DomainError({ code: 'invalid_session' });
      return account;
    },

    /** Whether the account of a key needs a second factor that it does not have. Most services require none. */
    lacksTwoFactor({ id, standing }: Owner): MaybePromise<boolean> {
      if (!lacksTwoFactor({ standing, hasTwoFactor: false })) return false;
      return andThen(findFactor(id), (row) =>
        lacksTwoFactor({ standing, hasTwoFactor: row?.is_totp_confirmed === 1 }),
      );
    },
  };
}
