import type { Insertable, Selectable, Updateable } from 'kysely';
import type { AccountTable, Db, Tx } from '../db/tables.ts';
import { type AccountId, Scope } from '../lib/brand.ts';
import { DomainError } from '../lib/failure.ts';
import { type Account, standingOf } from './account.ts';

export type AccountRow = Selectable<AccountTable>;

/** What a client sees of an account, and what decides about its sessions. */
export const accountColumns = [
  ...(['id', 'email', 'name', 'role', 'scopes', 'is_approved', 'is_totp_confirmed'] as const),
  ...(['created_at', 'last_sign_in_at'] as const),
] as const;

export type VisibleRow = Pick<AccountRow, (typeof accountColumns)[number]>;

export const toAccount = (row: VisibleRow): Account => ({
  id: row.id,
  email: row.email,
  name: row.name,
  role: row.role,
  scopes: row.scopes === '' ? [] : row.scopes.split(' ').map(Scope),
  isApproved: row.is_approved === 1,
  hasTwoFactor: row.is_totp_confirmed === 1,
  createdAt: row.created_at,
  lastSignInAt: row.last_sign_in_at,
});

/** @returns whether it was written: another account may have the e-mail address */
export async function insertAccount(tx: Tx, row: Insertable<AccountTable>): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('accounts')
    .values(row)
    .onConflict((conflict) => conflict.column('email').doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/** PostgreSQL cannot compare a text that contains U+0000, and no row has one. */
const canBeStored = (text: string): boolean => !text.includes('\0');

/** With the digests of the password and the second factor. They must not leave the module. */
export async function findByEmail(db: Db | Tx, email: string): Promise<AccountRow | undefined> {
  if (!canBeStored(email)) return undefined;
  return db.selectFrom('accounts').selectAll().where('email', '=', email).executeTakeFirst();
}

/** The same, by id. */
export const findRow = (db: Db | Tx, id: AccountId): Promise<AccountRow | undefined> =>
  db.selectFrom('accounts').selectAll().where('id', '=', id).executeTakeFirst();

export async function findAccount(db: Db | Tx, id: AccountId): Promise<Account | undefined> {
  if (!canBeStored(id)) return undefined;
  const row = await db.selectFrom('accounts').select(accountColumns).where('id', '=', id).executeTakeFirst();
  return row && toAccount(row);
}

/** All accounts, the oldest first. */
export const listAccounts = async (db: Db): Promise<Account[]> =>
  (await db.selectFrom('accounts').select(accountColumns).orderBy('created_at').orderBy('id').execute()).map(
    toAccount,
  );

export async function updateAccount(tx: Tx, id: AccountId, change: Updateable<AccountTable>): Promise<void> {
  await tx.updateTable('accounts').set(change).where('id', '=', id).execute();
}

export async function deleteAccount(tx: Tx, id: AccountId): Promise<void> {
  await tx.deleteFrom('accounts').where('id', '=', id).execute();
}

/** Whether there is an approved admin, other than one account. */
export async function hasOtherAdmin(db: Db | Tx, except?: AccountId): Promise<boolean> {
  let query = db.selectFrom('accounts').select('id').where('role', '=', 'admin').where('is_approved', '=', 1);
  if (except !== undefined) query = query.where('id', '!=', except);
  return (await query.limit(1).executeTakeFirst()) !== undefined;
}

/** Some admin must always be able to sign in. */
export async function assertAdminLeft(tx: Tx, before: Account, after: Account | undefined): Promise<void> {
  const isAdmin = (account: Account | undefined) => account !== undefined && standingOf(account) === 'admin';
  if (isAdmin(before) && !isAdmin(after) && !(await hasOtherAdmin(tx, before.id)))
    throw new DomainError({ code: 'last_admin_required' });
}

/** Reads an account. @throws DomainError `account_not_found` */
export async function accountOf(handle: Db | Tx, id: AccountId): Promise<Account> {
  const account = await findAccount(handle, id);
  if (!account) throw new DomainError({ code: 'account_not_found' });
  return account;
}
