import { randomUUID } from 'node:crypto';
import { changesBetween } from '../audit/event.ts';
import { insertEvent } from '../audit/store.ts';
import type { BootstrapService } from '../bootstrap/service.ts';
import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { Revalidate } from '../keys/change.ts';
import { AccountId, type RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import type { Actor } from '../lib/principal.ts';
import { type Account, foldEmail, publicAccount } from './account.ts';
import { hasOtherAdmin, insertAccount } from './account-store.ts';
import { deleteInvitationsOf } from './invitation-store.ts';
import type { Passwords } from './passwords.ts';
import type { SignedIn, StartSession, Visitor } from './sessions.ts';

/** What a person chooses for a new account. */
export type NewAccount = Readonly<{ email: string; password: string; name?: string | undefined }>;

/** `rawKey`: the first managing key, when the set-up took the claim. No other answer contains it. */
export type SetUp = SignedIn & Readonly<{ rawKey: RawKey | undefined }>;

export type SetupService = ReturnType<typeof createSetup>;

export type SetupParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  passwords: Pick<Passwords, 'hash'>;
  bootstrap: BootstrapService;
  startSession: StartSession;
  revalidate: Revalidate;
};

/**
 * Writes an account. The invitations of its e-mail address end: after a deletion of the account, they would make another.
 * @throws DomainError `email_already_used`
 */
export async function createAccount(
  tx: Tx,
  account: Omit<Account, 'id' | 'hasTwoFactor' | 'lastSignInAt'>,
  passwordHash: string,
): Promise<Account> {
  const id = AccountId(randomUUID());
  const email = foldEmail(account.email);
  const isWritten = await insertAccount(tx, {
    id,
    email,
    name: account.name,
    role: account.role,
    scopes: account.scopes.join(' '),
    is_approved: account.isApproved ? 1 : 0,
    password_hash: passwordHash,
    totp_secret: null,
    is_totp_confirmed: 0,
    totp_counter: 0,
    recovery_codes: null,
    created_at: account.createdAt,
    last_sign_in_at: null,
  });
  if (!isWritten) throw new DomainError({ code: 'email_already_used' });
  await deleteInvitationsOf(tx, email);
  return { ...account, id, email, hasTwoFactor: false, lastSignInAt: null };
}

/**
 * Sets up the first administrator. While no key is registered, this takes the claim and makes the first key. After that,
 * it needs a key that can manage everything. When there is an admin, it is closed for ever.
 */
export function createSetup({ db, clock, passwords, bootstrap, startSession, revalidate }: SetupParts) {
  let isClosed = false;

  /** Closed is closed for ever, so only the answer that can still change is read from the database. */
  async function needsSetup(): Promise<boolean> {
    isClosed ||= await hasOtherAdmin(db);
    return !isClosed;
  }

  async function assertOpen(): Promise<void> {
    if (!(await needsSetup())) throw new DomainError({ code: 'setup_already_complete' });
  }

  async function write(
    tx: Tx,
    { email, name = '' }: NewAccount,
    passwordHash: string,
    visitor: Visitor,
  ): Promise<SignedIn> {
    if (await hasOtherAdmin(tx)) throw new DomainError({ code: 'setup_already_complete' });
    const account = await createAccount(
      tx,
      { email, name, role: 'admin', scopes: [], isApproved: true, createdAt: clock.now() },
      passwordHash,
    );
    await insertEvent(tx, {
      at: clock.now(),
      action: 'account.created',
      actor: { kind: 'bootstrap' },
      address: visitor.address,
      keyId: null,
      accountId: account.id,
      changes: changesBetween(undefined, publicAccount(account)),
      requestId: visitor.requestId,
    });
    return startSession(tx, account, 'session', visitor);
  }

  return {
    needsSetup,
    assertOpen,

    /**
     * @param actor the key that a set-up needs when a key is registered; undefined when the request has none
     * @throws DomainError `setup_already_complete`, `invalid_request`, `api_key_required`, `insufficient_scope`
     */
    async setUp(wanted: NewAccount, visitor: Visitor, actor: Actor | undefined): Promise<SetUp> {
      const isFirst = await bootstrap.isOpen();
      // Afterwards, because a set-up at the same time may have taken the claim.
      await assertOpen();
      if (!isFirst && !actor) throw new DomainError({ code: 'api_key_required', remaining: undefined });
      const hash = await passwords.hash('bootstrap', wanted.password);
      if (isFirst)
        return bootstrap.claimWith(wanted.email, visitor, async (tx) => write(tx, wanted, hash, visitor));
      const signedIn = await transaction(db, async (tx) => {
        if (actor) await revalidate(tx, actor, '*');
        return write(tx, wanted, hash, visitor);
      });
      return { ...signedIn, rawKey: undefined };
    },
  };
}
