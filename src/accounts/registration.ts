import { changesBetween } from '../audit/event.ts';
import { insertEvent } from '../audit/store.ts';
import type { BootstrapService } from '../bootstrap/service.ts';
import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { foldEmail, publicAccount } from './account.ts';
import { findByEmail } from './account-store.ts';
import { type Passwords, waiterOf } from './passwords.ts';
import type { SessionRow } from './session-store.ts';
import type { SignedIn, StartSession, Visitor } from './sessions.ts';
import { createAccount, type NewAccount } from './setup.ts';
import type { SignInLimits } from './sign-in-limits.ts';

/**
 * Makes an account of a person who registers themselves, and signs them in. It is a member's, and waits for an admin's
 * approval. It throws a DomainError `registration_closed`, `invalid_request`, `email_already_used` or
 * `too_many_sign_in_attempts`.
 */
export type Register = (account: NewAccount, kind: SessionRow['kind'], visitor: Visitor) => Promise<SignedIn>;

export type RegistrationParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  passwords: Pick<Passwords, 'hash'>;
  limits: SignInLimits;
  startSession: StartSession;
  bootstrap: Pick<BootstrapService, 'isOpen'>;
  /** Whether the operator allows it. */
  registrationIsOpen: boolean;
};

/** Throws a DomainError `registration_closed`. */
export type AssertRegistrationOpen = () => Promise<void>;

export function createRegistration(parts: RegistrationParts): {
  register: Register;
  assertRegistrationOpen: AssertRegistrationOpen;
} {
  const { db, clock, passwords, limits, startSession, bootstrap, registrationIsOpen } = parts;

  async function write(
    tx: Tx,
    { email, name = '' }: NewAccount,
    hash: string,
    kind: SessionRow['kind'],
    visitor: Visitor,
  ): Promise<SignedIn | undefined> {
    if (await findByEmail(tx, foldEmail(email))) return undefined;
    const account = await createAccount(
      tx,
      { email, name, role: 'member', scopes: [], isApproved: false, createdAt: clock.now() },
      hash,
    );
    await insertEvent(tx, {
      at: clock.now(),
      action: 'account.registered',
      actor: { kind: 'account', id: account.id, label: account.email },
      address: visitor.address,
      keyId: null,
      accountId: account.id,
      changes: changesBetween(undefined, publicAccount(account)),
      requestId: visitor.requestId,
    });
    return startSession(tx, account, kind, visitor);
  }

  /** While nobody has set the service up, nobody can approve an account. */
  async function assertRegistrationOpen(): Promise<void> {
    if (!registrationIsOpen || (await bootstrap.isOpen()))
      throw new DomainError({ code: 'registration_closed' });
  }

  const register: Register = async (wanted, kind, visitor) => {
    await assertRegistrationOpen();
    const who = { email: foldEmail(wanted.email), address: visitor.lockoutKey };
    // An answer shows whether an e-mail address has an account. So the limits of sign-ins hold for such questions.
    const signedIn = await limits.attempt(who, async () => {
      const hash = await passwords.hash(waiterOf(visitor), wanted.password);
      const result = await transaction(db, (tx) => write(tx, wanted, hash, kind, visitor));
      return { outcome: result ? 'registered' : 'invalid', result };
    });
    if (!signedIn) throw new DomainError({ code: 'email_already_used' });
    return signedIn;
  };

  return { register, assertRegistrationOpen };
}
