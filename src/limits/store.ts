import { type Insertable, sql } from 'kysely';
import type { Db, RateLimitWindowTable } from '../db/tables.ts';

export type WindowRow = Insertable<RateLimitWindowTable>;

export const saveQuery = (db: Db, rows: readonly WindowRow[]) =>
  db
    .insertInto('rate_limit_windows')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['root_id', 'digest']).doUpdateSet(({ ref }) => ({
        opened_at: ref('excluded.opened_at'),
        ends_at: ref('excluded.ends_at'),
        used: ref('excluded.used'),
      })),
    )
    .compile();

/** Deletes some windows that have ended. Other writers wait for that. */
export const deleteEndedQuery = (db: Db, now: number, limit: number) =>
  sql`
    delete from rate_limit_windows where rowid in
      (select rowid from rate_limit_windows where ends_at <= ${now} limit ${limit})
  `.compile(db);

/** The windows after a given one, in the order of their ids. */
export const findWindows = (db: Db, after: Pick<WindowRow, 'root_id' | 'digest'>, limit: number) =>
  db
    .selectFrom('rate_limit_windows')
    .selectAll()
    .where(({ eb, refTuple, tuple }) =>
      eb(refTuple('root_id', 'digest'), '>', tuple(after.root_id, after.digest)),
    )
    .orderBy('root_id')
    .orderBy('digest')
    .limit(limit)
    .execute();
