import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { insertEvent } from '../audit/store.ts';
import type { Db, Tx } from '../db/tables.ts';
import type { Fingerprint, KeyId, RawKey } from '../lib/brand.ts';
import type { ApiKey } from './key.ts';
import { columns, toApiKey } from './row.ts';
import type { Digests } from './store.ts';

/**
 * Rows of keys that another system made, and that were not used here yet. Their `hash` is bcrypt or SHA-256 of the raw key
 * itself, and they have no hint.
 */

/** More would keep the threads busy for too long: an unknown key is compared with all of them. */
export const MAX_FOREIGN_BCRYPT = 64;

/** The constants are not parameters, because the partial indexes need constants. */
const isForeign = sql<boolean>`fingerprint is null and hint = ''`;
const isForeignBcrypt = sql<boolean>`fingerprint is null and hint = '' and substr(hash, 1, 1) = '$'`;

/** What the column `hash` has of a SHA-256 digest. */
export const sha256Form = (digest: Uint8Array): string =>
  `sha256:${Buffer.from(digest).toString('base64url')}`;

export type ForeignRow = Readonly<{ id: KeyId; hash: string }>;

export const findBySha256 = (db: Db, rawKey: RawKey): Promise<ForeignRow | undefined> =>
  db
    .selectFrom('api_keys')
    .select(['id', 'hash'])
    .where(isForeign)
    .where('hash', '=', sha256Form(createHash('sha256').update(rawKey).digest()))
    .orderBy('is_active', 'desc')
    .limit(1)
    .executeTakeFirst();

/** All rows after `after` that only bcrypt can compare a key with, the active ones first. */
export const findForeignBcrypt = (db: Db, after: KeyId): Promise<ForeignRow[]> =>
  db
    .selectFrom('api_keys')
    .select(['id', 'hash'])
    .where(isForeignBcrypt)
    .where('id', '>', after)
    .orderBy('is_active', 'desc')
    .orderBy('id')
    .limit(MAX_FOREIGN_BCRYPT)
    .execute();

export async function countForeignBcrypt(tx: Db | Tx): Promise<number> {
  const { count } = await tx
    .selectFrom('api_keys')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where(isForeignBcrypt)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Whether a key was deleted or rotated after an import of it. @param fingerprints of it, under each pepper */
export const isRetired = async (db: Db, fingerprints: readonly Fingerprint[]): Promise<boolean> =>
  (await db
    .selectFrom('import_traces')
    .select('trace')
    .where('trace', 'in', fingerprints)
    .executeTakeFirst()) !== undefined;

/** Deactivates another row of a key that was deleted or rotated. After a change of the pepper, nobody could tell that. */
export async function deactivateRetired(tx: Tx, { id, hash }: ForeignRow, at: number): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('api_keys')
    .set({ is_active: 0 })
    .where('id', '=', id)
    .where('hash', '=', hash)
    .where('fingerprint', 'is', null)
    .where('is_active', '=', 1)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return;
  await insertEvent(tx, {
    ...{ at, action: 'key.deactivated', keyId: id, changes: { is_active: { from: true, to: false } } },
    ...{ actor: { kind: 'anonymous' }, address: null, requestId: null },
  });
}

/** A key that another process has settled in the same moment. */
export async function findSettled(db: Db, fingerprint: Fingerprint): Promise<ApiKey | undefined> {
  const row = await db
    .selectFrom('api_keys')
    .select(columns)
    .where('fingerprint', '=', fingerprint)
    .executeTakeFirst();
  return row && toApiKey(row);
}

/** Gives a row the digests of its key. @returns undefined when the row has changed in between */
export async function settle(
  db: Db | Tx,
  { id, hash }: ForeignRow,
  digests: Digests,
): Promise<ApiKey | undefined> {
  const row = await db
    .updateTable('api_keys')
    .set({ hint: digests.hint, fingerprint: digests.fingerprint, hash: digests.hash })
    .where('id', '=', id)
    .where('hash', '=', hash)
    .where('fingerprint', 'is', null)
    .returning(columns)
    .executeTakeFirst();
  return row && toApiKey(row);
}
