import { type CompiledQuery, type Selectable, sql } from 'kysely';
import { jsonElements } from '../db/differences.ts';
import type { Reader } from '../db/engine.ts';
import type { ApiKeyTable, Db, Tx } from '../db/tables.ts';
import type { Fingerprint, KeyId } from '../lib/brand.ts';
import { andThen } from '../lib/maybe-promise.ts';
import type { ApiKey } from './key.ts';

export type NewApiKey = {
  label: string;
  hint: string;
  fingerprint: Fingerprint;
  hash: string;
  createdAt: number;
};

const columns = ['id', 'label', 'hint', 'is_active', 'created_at', 'last_used_at', 'use_count'] as const;

type Row = Pick<Selectable<ApiKeyTable>, (typeof columns)[number]>;

const toApiKey = (row: Row): ApiKey => ({
  id: row.id,
  label: row.label,
  hint: row.hint,
  isActive: row.is_active === 1,
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  useCount: row.use_count,
});

const toOptionalApiKey = (row: Row | undefined) => (row ? toApiKey(row) : undefined);

export async function insertKey(tx: Tx, key: NewApiKey): Promise<ApiKey> {
  const row = await tx
    .insertInto('api_keys')
    .values({
      label: key.label,
      hint: key.hint,
      fingerprint: key.fingerprint,
      hash: key.hash,
      is_active: 1,
      created_at: key.createdAt,
      last_used_at: null,
      use_count: 0,
    })
    .returning(columns)
    .executeTakeFirstOrThrow();
  return toApiKey(row);
}

/** Keys that are older than `before`, the newest first. */
export async function listKeys(db: Db, limit: number, before: KeyId | undefined): Promise<ApiKey[]> {
  const newest = db.selectFrom('api_keys').select(columns).orderBy('id', 'desc').limit(limit);
  const rows = await (before === undefined ? newest : newest.where('id', '<', before)).execute();
  return rows.map(toApiKey);
}

export const findKey = async (db: Db | Tx, id: KeyId) =>
  toOptionalApiKey(await db.selectFrom('api_keys').select(columns).where('id', '=', id).executeTakeFirst());

/** The 1 is not a parameter, because the partial index on usable keys needs a constant. */
const isUsable = sql<boolean>`is_active = 1`;

/** Sorted, because PostgreSQL otherwise scans a table that may begin with many inactive keys. */
const usableKeys = (db: Db) =>
  db.selectFrom('api_keys').select('id').where(isUsable).orderBy('id', 'desc').limit(sql.lit(1));

const keysWithoutFingerprint = (db: Db) =>
  db.selectFrom('api_keys').select('id').where('fingerprint', 'is', null).limit(sql.lit(1));

/** The reads that each request needs, with the fast reader of the engine. */
export function fastReads(db: Db, reader: Reader) {
  const findRow = reader.find('api_keys', 'fingerprint', columns);
  return {
    findByFingerprint: (fingerprint: Fingerprint) => andThen(findRow(fingerprint), toOptionalApiKey),
    hasUsableKey: reader.exists(usableKeys(db).compile()),
    hasKeyWithoutFingerprint: reader.exists(keysWithoutFingerprint(db).compile()),
  };
}

/** The first `limit` rows after `after` that only bcrypt can compare a key with. */
export const findKeysWithoutFingerprint = (
  db: Db,
  { hint, after, limit }: Readonly<{ hint: string; after: KeyId; limit: number }>,
) =>
  db
    .selectFrom('api_keys')
    .select(['id', 'hash'])
    .where('hint', '=', hint)
    .where('fingerprint', 'is', null)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();

export const setFingerprint = async (tx: Tx, id: KeyId, fingerprint: Fingerprint) =>
  toOptionalApiKey(
    await tx
      .updateTable('api_keys')
      .set({ fingerprint })
      .where('id', '=', id)
      .returning(columns)
      .executeTakeFirst(),
  );

export async function hasOtherUsableKey(tx: Tx, id: KeyId): Promise<boolean> {
  const row = await tx
    .selectFrom('api_keys')
    .select('id')
    .where(isUsable)
    .where('id', '!=', id)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export const setLabel = async (tx: Tx, id: KeyId, label: string) =>
  toOptionalApiKey(
    await tx
      .updateTable('api_keys')
      .set({ label })
      .where('id', '=', id)
      .returning(columns)
      .executeTakeFirst(),
  );

export const setActive = async (tx: Tx, id: KeyId, isActive: boolean) =>
  toOptionalApiKey(
    await tx
      .updateTable('api_keys')
      .set({ is_active: isActive ? 1 : 0 })
      .where('id', '=', id)
      .returning(columns)
      .executeTakeFirst(),
  );

export async function deleteKey(tx: Tx, id: KeyId): Promise<void> {
  await tx.deleteFrom('api_keys').where('id', '=', id).execute();
}

/** How often a key was used since the last write; `lastUsedAt` in milliseconds since 1970. */
export type KeyUses = { id: KeyId; count: number; lastUsedAt: number };

/**
 * The SQL text is the same for any number of keys. It never moves `last_used_at` back, because another process may have
 * written a later time.
 */
export function usesQuery(db: Db, uses: readonly KeyUses[]): CompiledQuery {
  const rows = JSON.stringify(uses.map(({ id, count, lastUsedAt }) => [id, count, lastUsedAt]));
  return sql`
    update api_keys
    set use_count = use_count + cast(used.value ->> 1 as bigint),
      last_used_at = case
        when last_used_at > cast(used.value ->> 2 as bigint) then last_used_at
        else cast(used.value ->> 2 as bigint)
      end
    from ${jsonElements(db, rows)} as used
    where api_keys.id = cast(used.value ->> 0 as bigint)
  `.compile(db);
}
