import type { Incident } from '../audit/event.ts';
import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import type { Seal } from '../pepper/seal.ts';
import { type Account, foldEmail } from './account.ts';
import { findByEmail, findRow, toAccount } from './account-store.ts';
import type { Passwords } from './passwords.ts';
import { acceptSecondFactor, hasGiven, type SecondFactor } from './second-factor.ts';
import type { SessionRow } from './session-store.ts';
import type { SignedIn, StartSession, Visitor } from './sessions.ts';
import type { Evaluated, SignInLimits } from './sign-in-limits.ts';

export type SignInAttempt = SecondFactor & Readonly<{ email: string; password: string }>;

/** `code_required`: the password is right, and the account has a second factor. */
export type SignInResult =
  | ({ state: 'signed_in' } & SignedIn)
  | Readonly<{ state: 'code_required'; account: Account }>;

/** Why a sign-in fails. */
type Failed = Readonly<{ state: 'failed'; code: 'invalid_sign_in' | 'invalid_two_factor_code' }>;

export type SignIn = (
  attempt: SignInAttempt,
  kind: SessionRow['kind'],
  visitor: Visitor,
) => Promise<SignInResult>;

export type SignInParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  passwords: Pick<Passwords, 'matches'>;
  seal: Seal;
  limits: SignInLimits;
  startSession: StartSession;
  /** Called for each failed attempt, before the client learns of it. */
  onFailed: (incident: Incident) => void;
};

const failed = (code: Failed['code']): Evaluated<Failed> => ({
  outcome: 'invalid',
  result: { state: 'failed', code },
});

/**
 * Makes the function that signs a person in. An e-mail address without an account takes as long as a wrong password.
 * It throws a DomainError `invalid_sign_in`, `invalid_two_factor_code` or `too_many_sign_in_attempts`.
 */
export function createSignIn(parts: SignInParts): SignIn {
  const { db, clock, passwords, seal, limits, startSession, onFailed } = parts;

  async function evaluate(
    { password, ...given }: SignInAttempt,
    email: string,
    kind: SessionRow['kind'],
    visitor: Visitor,
  ): Promise<Evaluated<SignInResult | Failed>> {
    const found = await findByEmail(db, email);
    const isRight = await passwords.matches(`sign-in ${visitor.address}`, password, found?.password_hash);
    if (!found || !isRight) return failed('invalid_sign_in');
    if (found.is_totp_confirmed === 1 && !hasGiven(given))
      return { outcome: 'unfinished', result: { state: 'code_required', account: toAccount(found) } };
    return transaction(db, async (tx): Promise<Evaluated<SignInResult | Failed>> => {
      const row = await findRow(tx, found.id);
      // The password may have changed while bcrypt compared it.
      if (row?.password_hash !== found.password_hash) return failed('invalid_sign_in');
      if (row.is_totp_confirmed === 1 && !(await acceptSecondFactor(tx, seal, row, given, clock.now())))
        return failed('invalid_two_factor_code');
      const signedIn = await startSession(tx, toAccount(row), kind, visitor);
      return { outcome: 'valid', result: { state: 'signed_in', ...signedIn } };
    });
  }

  return async (attempt, kind, visitor) => {
    const email = foldEmail(attempt.email);
    const result = await limits.attempt({ email, address: visitor.lockoutKey }, () =>
      evaluate(attempt, email, kind, visitor),
    );
    if (result.state !== 'failed') return result;
    const { address, requestId } = visitor;
    onFailed({
      action: 'sign_in.failed',
      address,
      requestId,
      changes: { email: { from: null, to: email } },
    });
    throw new DomainError({ code: result.code });
  };
}
