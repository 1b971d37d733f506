import type { Insertable, Selectable } from 'kysely';
import type { Db, InvitationTable, Tx } from '../db/tables.ts';
import { type AccountId, type Fingerprint, type InvitationId, Scope } from '../lib/brand.ts';
import type { Role } from '../lib/principal.ts';

/** A link that makes one account. Nobody can read its token again. */
export type Invitation = Readonly<{
  id: InvitationId;
  email: string;
  role: Role;
  scopes: readonly Scope[];
  /** Milliseconds since 1970. */
  createdAt: number;
  expiresAt: number;
}>;

const columns = ['id', 'email', 'role', 'scopes', 'created_at', 'expires_at'] as const;

const toInvitation = (row: Pick<Selectable<InvitationTable>, (typeof columns)[number]>): Invitation => ({
  id: row.id,
  email: row.email,
  role: row.role,
  scopes: row.scopes === '' ? [] : row.scopes.split(' ').map(Scope),
  createdAt: row.created_at,
  expiresAt: row.expires_at,
});

export const insertInvitation = async (tx: Tx, row: Insertable<InvitationTable>): Promise<Invitation> =>
  toInvitation(await tx.insertInto('invitations').values(row).returning(columns).executeTakeFirstOrThrow());

/** The invitations that somebody can still use, the newest first. */
export const listInvitations = async (db: Db, now: number): Promise<Invitation[]> =>
  (
    await db
      .selectFrom('invitations')
      .select(columns)
      .where('expires_at', '>', now)
      .orderBy('id', 'desc')
      .execute()
  ).map(toInvitation);

export async function findInvitation(db: Db, fingerprint: Fingerprint): Promise<Invitation | undefined> {
  const row = await db
    .selectFrom('invitations')
    .select(columns)
    .where('fingerprint', '=', fingerprint)
    .executeTakeFirst();
  return row && toInvitation(row);
}

export async function deleteInvitation(tx: Tx, id: InvitationId): Promise<Invitation | undefined> {
  const row = await tx.deleteFrom('invitations').where('id', '=', id).returning(columns).executeTakeFirst();
  return row && toInvitation(row);
}

/** The links that an admin made. */
export const deleteInvitationsBy = async (tx: Tx, account: AccountId): Promise<Invitation[]> =>
  (await tx.deleteFrom('invitations').where('invited_by', '=', account).returning(columns).execute()).map(
    toInvitation,
  );

/** The links for an e-mail address. */
export async function deleteInvitationsOf(tx: Tx, email: string): Promise<void> {
  await tx.deleteFrom('invitations').where('email', '=', email).execute();
}

/** A new invitation also removes those that are over, so the table does not grow. */
export async function deleteExpiredInvitations(tx: Tx, now: number): Promise<void> {
  await tx.deleteFrom('invitations').where('expires_at', '<=', now).execute();
}
