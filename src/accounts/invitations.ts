import { changesBetween } from '../audit/event.ts';
import { insertEvents } from '../audit/store.ts';
import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { Change, RecordEvent } from '../keys/change.ts';
import { isGenerated } from '../keys/key-format.ts';
import { type AccountId, type Fingerprint, type InvitationId, RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import type { Actor } from '../lib/principal.ts';
import { foldEmail, publicAccount } from './account.ts';
import { findByEmail } from './account-store.ts';
import type { ConfirmIdentity } from './confirmation.ts';
import { assertAdmin, assertGrantable, type Grant } from './grant.ts';
import {
  deleteExpiredInvitations,
  deleteInvitation,
  deleteInvitationsBy,
  findInvitation,
  type Invitation,
  insertInvitation,
  listInvitations,
} from './invitation-store.ts';
import type { Passwords } from './passwords.ts';
import type { SignedIn, StartSession, Visitor } from './sessions.ts';
import { createAccount } from './setup.ts';
import { newToken, TOKEN_PREFIXES } from './tokens.ts';

export type { Invitation };

export type InvitationService = ReturnType<typeof createInvitations>;

export type InvitationParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  fingerprintOf: (token: RawKey) => Fingerprint;
  previousFingerprintOf?: ((token: RawKey) => Fingerprint) | undefined;
  passwords: Pick<Passwords, 'hash'>;
  change: Change;
  confirmIdentity: ConfirmIdentity;
  startSession: StartSession;
};

/** What an invited person chooses. The invitation has the rest. */
export type Acceptance = Readonly<{ token: string; password: string; name?: string | undefined }>;

const LIFETIME_MS = 7 * 86_400_000;

/** An invitation as the audit log sees it. Times are in seconds since 1970. */
const publicInvitation = ({ id, email, role, scopes, expiresAt }: Invitation) => ({
  ...{ invitation: id, email, role, scopes: [...scopes], expires_at: expiresAt / 1_000 },
});

/** Deletes the invitations that a former admin has made, because the former admin may still have a link. */
export async function retireInvitations(tx: Tx, account: AccountId, record: RecordEvent): Promise<void> {
  const deleted = await deleteInvitationsBy(tx, account);
  await record(
    deleted.map((each) => ({
      action: 'invitation.deleted',
      changes: changesBetween(publicInvitation(each), undefined),
    })),
  );
}

const invalidInvitation = () => new DomainError({ code: 'invalid_invitation' });

/** Invitations: links that make one account each. There is no mail server, so an admin passes the link on. */
export function createInvitations(parts: InvitationParts) {
  const {
    db,
    clock,
    fingerprintOf,
    previousFingerprintOf,
    passwords,
    change,
    confirmIdentity,
    startSession,
  } = parts;

  async function find(token: string): Promise<Invitation> {
    if (!isGenerated(token, TOKEN_PREFIXES.invitation)) throw invalidInvitation();
    const previous = previousFingerprintOf?.(RawKey(token));
    const found =
      (await findInvitation(db, fingerprintOf(RawKey(token)))) ??
      (previous && (await findInvitation(db, previous)));
    if (!found || found.expiresAt <= clock.now()) throw invalidInvitation();
    return found;
  }

  return {
    /**
     * Makes an invitation. Only this answer has its token.
     * @param password that of the admin; not needed within 15 minutes of the sign-in
     * @throws DomainError `insufficient_scope`, `invalid_request`, `email_already_used`, and what `confirmIdentity` throws
     */
    async create(
      { email: wanted, ...grant }: Grant & Readonly<{ email: string }>,
      actor: Actor,
      password?: string,
    ): Promise<Readonly<{ invitation: Invitation; token: RawKey }>> {
      assertAdmin(actor);
      await confirmIdentity(actor, password);
      const { token, fingerprint } = newToken('invitation', fingerprintOf);
      const email = foldEmail(wanted);
      const invitation = await change(actor, '*', async (tx, maker, record) => {
        assertGrantable(grant, maker);
        if (await findByEmail(tx, email)) throw new DomainError({ code: 'email_already_used' });
        const now = clock.now();
        await deleteExpiredInvitations(tx, now);
        const times = { created_at: now, expires_at: now + LIFETIME_MS };
        const { role, scopes } = grant;
        const made = await insertInvitation(tx, {
          ...{ fingerprint, email, role, scopes: scopes.join(' '), ...times },
          invited_by: maker.account?.id ?? null,
        });
        const changes = changesBetween(undefined, publicInvitation(made));
        await record({ action: 'invitation.created', changes });
        return made;
      });
      return { invitation, token };
    },

    /** The invitations that somebody can still use, the newest first. */
    async list(actor: Actor): Promise<Invitation[]> {
      assertAdmin(actor);
      return listInvitations(db, clock.now());
    },

    /** @throws DomainError `insufficient_scope`, `invitation_not_found` */
    async delete(id: InvitationId, actor: Actor): Promise<void> {
      await change(actor, '*', async (tx, _maker, record) => {
        const deleted = await deleteInvitation(tx, id);
        if (!deleted) throw new DomainError({ code: 'invitation_not_found' });
        const changes = changesBetween(publicInvitation(deleted), undefined);
        await record({ action: 'invitation.deleted', changes });
      });
    },

    /**
     * Makes the account of an invitation, and signs the person in. Of many at once, exactly one succeeds.
     * @throws DomainError `invalid_invitation`, also when the e-mail address has an account by now, so that the answer does
     * not show it. `invalid_request` for a weak password: then the link still works
     */
    async accept({ token, password, name = '' }: Acceptance, visitor: Visitor): Promise<SignedIn> {
      const { id } = await find(token);
      const hash = await passwords.hash(`sign-in ${visitor.address}`, password);
      return transaction(db, async (tx) => {
        const now = clock.now();
        const invitation = await deleteInvitation(tx, id);
        if (!invitation || invitation.expiresAt <= now) throw invalidInvitation();
        const { email, role, scopes } = invitation;
        if (await findByEmail(tx, email)) throw invalidInvitation();
        const wanted = { email, name, role, scopes, isApproved: true, createdAt: now };
        const account = await createAccount(tx, wanted, hash);
        const { address, requestId } = visitor;
        const actor = { kind: 'account', id: account.id, label: email } as const;
        const context = { actor, address, requestId, at: now, keyId: null, accountId: account.id };
        const accepted = changesBetween({ invitation: id }, undefined);
        const created = changesBetween(undefined, publicAccount(account));
        await insertEvents(tx, [
          { action: 'invitation.accepted', changes: accepted, ...context },
          { action: 'account.created', changes: created, ...context },
        ]);
        return startSession(tx, account, 'session', visitor);
      });
    },
  };
}
