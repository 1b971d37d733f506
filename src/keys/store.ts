import { sql } from 'kysely';
import type { Reader } from '../db/engine.ts';
import type { Db, Tx } from '../db/tables.ts';
import type { Fingerprint, KeyId } from '../lib/brand.ts';
import { andThen } from '../lib/maybe-promise.ts';
import type { ApiKey, KeySettings, KeySource } from './key.ts';
import { columns, fromSettings, type KeyRow, sampleRow, toApiKey } from './row.ts';

/** A row that will be written: the settings of a key, its digests, and where it came from. */
export type NewApiKey = Digests &
  Readonly<{
    settings: KeySettings;
    prefix: string | null;
    source: KeySource;
    createdAt: number;
    account: ApiKey['account'];
    /** The key that the new one replaces. */
    rotatedFrom?: Pick<ApiKey, 'id' | 'rootId'>;
  }>;

/** What the database keeps of a raw key. */
export type Digests = Readonly<{ hint: string; fingerprint: Fingerprint; hash: string }>;

/** The same, in the same time whether or not there is a row, so that the time does not show which keys exist. */
function toFoundKey(row: KeyRow | undefined): ApiKey | undefined {
  const key = toApiKey(row ?? sampleRow);
  return row && key;
}

const toOptionalApiKey = (row: KeyRow | undefined) => (row ? toApiKey(row) : undefined);

export async function insertKey(tx: Tx, key: NewApiKey): Promise<ApiKey> {
  const row = await tx
    .insertInto('api_keys')
    .values({
      ...fromSettings(key.settings),
      hint: key.hint,
      fingerprint: key.fingerprint,
      hash: key.hash,
      prefix: key.prefix,
      source: key.source,
      is_active: 1,
      is_expired: 0,
      created_at: key.createdAt,
      last_used_at: null,
      use_count: 0,
      rotated_from: key.rotatedFrom?.id ?? null,
      rotated_to: null,
      root_id: key.rotatedFrom?.rootId ?? null,
      account_id: key.account?.id ?? null,
      account_standing: key.account?.standing ?? null,
    })
    .returning(columns)
    .executeTakeFirstOrThrow();
  return toApiKey(row);
}

export const findKey = async (db: Db | Tx, id: KeyId) =>
  toOptionalApiKey(await db.selectFrom('api_keys').select(columns).where('id', '=', id).executeTakeFirst());

export const findKeys = async (db: Db, ids: readonly KeyId[]): Promise<ApiKey[]> =>
  (await db.selectFrom('api_keys').select(columns).where('id', 'in', ids).execute()).map(toApiKey);

export const isStored = async (tx: Tx, fingerprint: Fingerprint): Promise<boolean> =>
  (await tx.selectFrom('api_keys').select('id').where('fingerprint', '=', fingerprint).executeTakeFirst()) !==
  undefined;

/** The constants are not parameters, because the partial indexes need constants. */
const isActive = sql<boolean>`is_active = 1`;
const doesNotExpire = sql<boolean>`expires_at is null`;
const isDeclared = sql<boolean>`source = 'config'`;
const isNotDeclared = sql<boolean>`source <> 'config'`;
const holdsEverything = sql<boolean>`scopes = '*' and allowed_ips = ''`;

/** Sorted, because PostgreSQL otherwise scans a table that may begin with many inactive keys. */
const lastingKeys = (db: Db, ofSource: typeof isDeclared) =>
  db
    .selectFrom('api_keys')
    .select('id')
    .where(ofSource)
    .where(isActive)
    .where(doesNotExpire)
    .orderBy('id', 'desc')
    .limit(sql.lit(1));

/** Active keys that expire after a time, which the caller of the reader passes. */
const endingKeys = (db: Db) =>
  db
    .selectFrom('api_keys')
    .select('id')
    .where(isActive)
    .where('expires_at', '>', 0)
    .where(sql<boolean>`is_expired = 0`)
    .orderBy('expires_at', 'desc')
    .limit(sql.lit(1));

/** The file of a gateway makes the fingerprint of a declared key. It has no hash. */
const needsProof = sql<boolean>`fingerprint is null and hash <> ''`;

const keysWithoutFingerprint = (db: Db) =>
  db.selectFrom('api_keys').select('id').where(needsProof).limit(sql.lit(1));

/** The reads that each request needs, with the fast reader of the engine. */
export function fastReads(db: Db, reader: Reader) {
  const findRow = reader.find('api_keys', 'fingerprint', columns);
  const hasEndingKey = reader.exists(endingKeys(db).where(isNotDeclared).compile());
  const hasAnyEndingKey = reader.exists(endingKeys(db).compile());
  return {
    findByFingerprint: (fingerprint: Fingerprint) => andThen(findRow(fingerprint), toFoundKey),
    /** Whether a key is active and does not expire. Declared keys are apart. */
    hasLastingKey: reader.exists(lastingKeys(db, isNotDeclared).compile()),
    hasLastingDeclaredKey: reader.exists(lastingKeys(db, isDeclared).compile()),
    /** Whether a key that no file declares is active and expires after `now`. */
    hasEndingKey: (now: number) => hasEndingKey(now),
    /** The same, of declared keys as well. */
    hasAnyEndingKey: (now: number) => hasAnyEndingKey(now),
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
    .where(needsProof)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();

/** Whether a key other than `id` can manage all keys: it is active, holds everything, and never expires. */
export async function hasManagingKey(tx: Db | Tx, id?: KeyId): Promise<boolean> {
  let query = tx
    .selectFrom('api_keys')
    .select('id')
    .where(isActive)
    .where(doesNotExpire)
    .where(holdsEverything);
  if (id !== undefined) query = query.where('id', '!=', id);
  return (await query.limit(1).executeTakeFirst()) !== undefined;
}

type Change = Partial<KeySettings & Pick<ApiKey, 'isActive' | 'isExpired' | 'rotatedTo'>>;

/** Writes all settings of a key, and what else `change` names. */
export async function updateKey(tx: Tx, key: ApiKey, change: Change): Promise<ApiKey> {
  const changed = { ...key, ...change };
  const row = await tx
    .updateTable('api_keys')
    .set({
      ...fromSettings(changed),
      is_active: changed.isActive ? 1 : 0,
      is_expired: changed.isExpired ? 1 : 0,
      rotated_to: changed.rotatedTo,
    })
    .where('id', '=', key.id)
    .returning(columns)
    .executeTakeFirstOrThrow();
  return toApiKey(row);
}

/** The key that it replaced keeps its `rotated_to`, so that it shows the rotation, and cannot be rotated again. */
export async function deleteKey(tx: Tx, id: KeyId): Promise<void> {
  await tx.deleteFrom('api_keys').where('id', '=', id).execute();
}
