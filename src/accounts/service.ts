import type { Db } from '../db/tables.ts';
import { DomainError } from '../lib/failure.ts';
import type { Actor } from '../lib/principal.ts';
import type { Account } from './account.ts';
import { findAccount } from './account-store.ts';
import { personOf } from './person.ts';

export type AccountService = ReturnType<typeof createAccountService>;

export type AccountServiceParts = { db: Db };

/** Reads and changes accounts. */
export function createAccountService({ db }: AccountServiceParts) {
  return {
    /** The account of the request. @throws DomainError `account_only` */
    async self(actor: Actor): Promise<Account> {
      const account = await findAccount(db, personOf(actor).id);
      if (!account) throw new DomainError({ code: 'invalid_session' });
      return account;
    },
  };
}
