import type { CompiledQuery, Insertable, Selectable } from 'kysely';
import type { Db, SessionTable, Tx } from '../db/tables.ts';
import type { AccountId, SessionId } from '../lib/brand.ts';
import type { AccountPrincipal } from '../lib/principal.ts';
import { type Account, grantedScopes, standingOf } from './account.ts';
import { findAccount } from './account-store.ts';

export type SessionRow = Selectable<SessionTable>;

/** Whether an account needs a second factor that it does not have. */
export type LacksTwoFactor = (
  account: Readonly<{ standing: AccountPrincipal['standing']; hasTwoFactor: boolean }>,
) => boolean;

export const sessionColumns = [
  ...(['id', 'account_id', 'kind', 'created_at', 'signed_in_at', 'renewed_at', 'expires_at'] as const),
  ...(['address', 'user_agent'] as const),
] as const;

/** What a session is for, apart from its secret. */
export type VisibleSession = Pick<SessionRow, (typeof sessionColumns)[number]>;

export function toPrincipal(
  session: Pick<SessionRow, 'id' | 'kind' | 'signed_in_at'>,
  account: Account,
  lacksTwoFactor: LacksTwoFactor,
): AccountPrincipal {
  const standing = standingOf(account);
  return {
    kind: 'account',
    id: account.id,
    by: session.kind,
    sessionId: session.id,
    email: account.email,
    standing,
    scopes: grantedScopes(account),
    signedInAt: session.signed_in_at,
    lacksTwoFactor: lacksTwoFactor({ standing, hasTwoFactor: account.hasTwoFactor }),
  };
}

export async function insertSession(tx: Tx, row: Insertable<SessionTable>): Promise<SessionRow> {
  return tx.insertInto('sessions').values(row).returningAll().executeTakeFirstOrThrow();
}

/** The person whose session it is, as they are now; undefined when the session is over. */
export async function findPrincipal(
  db: Db | Tx,
  id: SessionId,
  now: number,
  lacksTwoFactor: LacksTwoFactor,
): Promise<AccountPrincipal | undefined> {
  const session = await db
    .selectFrom('sessions')
    .select(sessionColumns)
    .where('id', '=', id)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  const account = session && (await findAccount(db, session.account_id));
  return account && toPrincipal(session, account, lacksTwoFactor);
}

/** The sessions and access tokens of an account that are not over, the newest first. */
export const listSessions = (db: Db, accountId: AccountId, now: number): Promise<VisibleSession[]> =>
  db
    .selectFrom('sessions')
    .select(sessionColumns)
    .where('account_id', '=', accountId)
    .where('expires_at', '>', now)
    .orderBy('id', 'desc')
    .execute();

/** Ends a session of an account. @returns whether there was one */
export async function deleteSession(tx: Tx, id: SessionId, accountId: AccountId): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('sessions')
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

/** Ends all sessions of an account, except one. @returns how many */
export async function deleteSessions(tx: Tx, accountId: AccountId, except?: SessionId): Promise<number> {
  let query = tx.deleteFrom('sessions').where('account_id', '=', accountId);
  if (except !== undefined) query = query.where('id', '!=', except);
  return Number((await query.executeTakeFirst()).numDeletedRows);
}

/** A sign-in also removes what is over, so the table does not grow. */
export async function deleteExpiredSessions(tx: Tx, now: number): Promise<void> {
  await tx.deleteFrom('sessions').where('expires_at', '<=', now).execute();
}

/** Moves the expiry of a session that is used. */
export const renewQuery = (db: Db, id: SessionId, now: number, expiresAt: number): CompiledQuery =>
  db.updateTable('sessions').set({ renewed_at: now, expires_at: expiresAt }).where('id', '=', id).compile();
