import { type CompiledQuery, sql } from 'kysely';
import type { Db } from '../db/tables.ts';

/** The constants are not parameters, because the partial index needs constants. */
const isUnmarked = sql<boolean>`is_active = 1 and is_expired = 0`;

const unmarked = (db: Db, before: number) =>
  db
    .selectFrom('api_keys')
    .select('id')
    .where(isUnmarked)
    .where('expires_at', '<=', before)
    .orderBy('expires_at');

export const hasUnmarkedKeys = async (db: Db, before: number): Promise<boolean> =>
  (await unmarked(db, before).limit(sql.lit(1)).executeTakeFirst()) !== undefined;

/**
 * Marks `limit` keys that expired until `before`. The conditions are there twice, because PostgreSQL checks a row again
 * that somebody changed in the same moment: a key whose expiry was extended then stays as it is.
 */
export const markExpiredQuery = (db: Db, before: number, limit: number): CompiledQuery =>
  db
    .updateTable('api_keys')
    .set({ is_expired: 1 })
    .where('id', 'in', unmarked(db, before).limit(limit))
    .where(isUnmarked)
    .where('expires_at', '<=', before)
    .compile();
