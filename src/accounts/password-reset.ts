import { randomInt } from 'node:crypto';
import { changesBetween } from '../audit/event.ts';
import { insertEvent } from '../audit/store.ts';
import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import { AccountId } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { foldEmail } from './account.ts';
import { findByEmail, updateAccount } from './account-store.ts';
import type { Passwords } from './passwords.ts';
import { deleteSessions } from './session-store.ts';

/** A new password, for a person to type: 95 bits. */
export type PasswordReset = Readonly<{ email: string; password: string; sessionsEnded: number }>;

export type PasswordResetParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  passwords: Pick<Passwords, 'hash'>;
};

/** Without characters that look like others. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const GROUP_LENGTH = 5;

const group = () =>
  Array.from({ length: GROUP_LENGTH }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');
const newPassword = () => Array.from({ length: GROUPS }, group).join('-');

/**
 * Gives an account a new password and ends its sessions. This is for an operator with the database and the pepper. A
 * second factor stays.
 * @throws DomainError `account_not_found`
 */
export const createPasswordReset =
  ({ db, clock, passwords }: PasswordResetParts) =>
  async (email: string): Promise<PasswordReset> => {
    const password = newPassword();
    const hash = await passwords.hash('operator', password);
    return transaction(db, async (tx) => {
      const row = await findByEmail(tx, foldEmail(email));
      if (!row) throw new DomainError({ code: 'account_not_found' });
      const id = AccountId(row.id);
      await updateAccount(tx, id, { password_hash: hash });
      const sessionsEnded = await deleteSessions(tx, id);
      await insertEvent(tx, {
        ...{ at: clock.now(), action: 'account.password_changed', actor: { kind: 'operator' } },
        ...{ address: null, keyId: null, accountId: id, requestId: null },
        changes: changesBetween(undefined, { sessions_ended: sessionsEnded }),
      });
      return { email: row.email, password, sessionsEnded };
    });
  };
