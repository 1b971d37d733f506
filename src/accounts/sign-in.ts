import { insertEvent } from '../audit/store.ts';
import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { Clock } from '../lib/clock.ts';
import type { Seal } from '../pepper/seal.ts';
import { type Account, foldEmail } from './account.ts';
import { type AccountRow, findByEmail, findRow, toAccount, updateAccount } from './account-store.ts';
import { type Attempt, type Failed, failed } from './attempts.ts';
import { type Passwords, waiterOf } from './passwords.ts';
import { acceptSecondFactor, hasGiven, type SecondFactor, wrongFactor } from './second-factor.ts';
import type { SessionRow } from './session-store.ts';
import type { SignedIn, StartSession, Visitor } from './sessions.ts';
import type { Evaluated } from './sign-in-limits.ts';

export type SignInAttempt = SecondFactor & Readonly<{ email: string; password: string }>;

/** `code_required`: the password is right, and the account has a second factor. */
export type SignInResult =
  | ({ state: 'signed_in' } & SignedIn)
  | Readonly<{ state: 'code_required'; account: Account }>;

export type SignIn = (
  attempt: SignInAttempt,
  kind: SessionRow['kind'],
  visitor: Visitor,
) => Promise<SignInResult>;

export type SignInParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  passwords: Pick<Passwords, 'matches' | 'renewed'>;
  seal: Seal;
  attempt: Attempt;
  startSession: StartSession;
};

/**
 * Makes the function that signs a person in. An e-mail address without an account takes as long as a wrong password.
 * It throws a DomainError `invalid_sign_in`, `invalid_two_factor_code` or `too_many_sign_in_attempts`.
 */
export function createSignIn(parts: SignInParts): SignIn {
  const { db, clock, passwords, seal, attempt, startSession } = parts;

  const recordRecovery = (tx: Tx, { id, email }: AccountRow, { address, requestId }: Visitor) =>
    insertEvent(tx, {
      at: clock.now(),
      action: 'account.recovery_code_used',
      actor: { kind: 'account', id, label: email },
      ...{ address, requestId, keyId: null, accountId: id, changes: {} },
    });

  async function evaluate(
    { password, ...given }: SignInAttempt,
    email: string,
    kind: SessionRow['kind'],
    visitor: Visitor,
  ): Promise<Evaluated<SignInResult | Failed>> {
    const found = await findByEmail(db, email);
    const isRight = await passwords.matches(waiterOf(visitor), password, found?.password_hash);
    if (!found || !isRight) return failed({ code: 'invalid_sign_in' });
    if (found.is_totp_confirmed === 1 && !hasGiven(given))
      return { outcome: 'unfinished', result: { state: 'code_required', account: toAccount(found) } };
    const renewed = await passwords.renewed(waiterOf(visitor), password, found.password_hash);
    return transaction(db, async (tx): Promise<Evaluated<SignInResult | Failed>> => {
      const row = await findRow(tx, found.id);
      // The password may have changed while bcrypt compared it.
      if (row?.password_hash !== found.password_hash) return failed({ code: 'invalid_sign_in' });
      if (row.is_totp_confirmed === 1) {
        const accepted = await acceptSecondFactor(tx, seal, row, given, clock.now());
        if (!accepted) return failed(wrongFactor(given));
        if (accepted === 'recovery_code') await recordRecovery(tx, row, visitor);
      }
      if (renewed !== undefined) await updateAccount(tx, row.id, { password_hash: renewed });
      const signedIn = await startSession(tx, toAccount(row), kind, visitor);
      return { outcome: 'valid', result: { state: 'signed_in', ...signedIn } };
    });
  }

  return (given, kind, visitor) => {
    const email = foldEmail(given.email);
    return attempt({ ...visitor, email }, () => evaluate(given, email, kind, visitor));
  };
}
