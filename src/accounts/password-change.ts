import { changesBetween } from '../audit/event.ts';
import type { Db } from '../db/tables.ts';
import type { Change } from '../keys/change.ts';
import { DomainError } from '../lib/failure.ts';
import type { Actor } from '../lib/principal.ts';
import { findRow, updateAccount } from './account-store.ts';
import { type Attempt, attempterOf, passed, wrongPassword } from './attempts.ts';
import { assertAcceptable, isSamePassword, type Passwords, waiterOf } from './passwords.ts';
import { personOf } from './person.ts';
import { deleteSessions } from './session-store.ts';

/**
 * Changes the password of the person who is signed in. All other sessions and access tokens of the account end.
 * @throws DomainError `account_only`, `invalid_request` for the new password, and for a wrong current password what a
 * sign-in throws
 */
export type ChangePassword = (
  passwords: Readonly<{ currentPassword: string; password: string }>,
  actor: Actor,
) => Promise<void>;

export type PasswordChangeParts = { db: Db; passwords: Passwords; change: Change; attempt: Attempt };

export const createChangePassword =
  ({ db, passwords, change, attempt }: PasswordChangeParts): ChangePassword =>
  async ({ currentPassword, password }, actor) => {
    const { id, sessionId } = personOf(actor);
    await assertAcceptable(password);
    if (isSamePassword(currentPassword, password)) {
      const errors = [{ path: 'password', message: 'must not be the current password' }];
      throw new DomainError({ code: 'invalid_request', errors });
    }
    const client = waiterOf(actor);
    await attempt(attempterOf(actor), async () => {
      const before = await findRow(db, id);
      if (!(await passwords.matches(client, currentPassword, before?.password_hash)))
        return wrongPassword('current_password');
      const hash = await passwords.hash(client, password);
      return change(actor, undefined, async (tx, _maker, record) => {
        const row = await findRow(tx, id);
        // Somebody else may have changed the password while bcrypt worked.
        if (row?.password_hash !== before?.password_hash) return wrongPassword('current_password');
        await updateAccount(tx, id, { password_hash: hash });
        const ended = await deleteSessions(tx, id, sessionId);
        const changes = changesBetween(undefined, { sessions_ended: ended });
        await record({ action: 'account.password_changed', keyId: null, accountId: id, changes });
        return passed;
      });
    });
  };
