import { type Kysely, PostgresAdapter, sql } from 'kysely';

/**
 * The windows of rate limits. With SQLite, threads count in memory, and a row is a window that must survive a restart.
 * With PostgreSQL, a row has all windows of a key, so that it is the only lock that a verification takes.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  if (db.getExecutor().adapter instanceof PostgresAdapter) {
    await sql`
      create table rate_limit_counters (
        root_id bigint primary key,
        windows jsonb not null,
        ends_at bigint not null
      ) with (fillfactor = 50)
    `.execute(db);
    await sql`create index rate_limit_counters_ends_at on rate_limit_counters (ends_at)`.execute(db);
    return;
  }
  await db.schema
    .createTable('rate_limit_windows')
    .addColumn('root_id', 'integer', (column) => column.notNull())
    .addColumn('digest', 'integer', (column) => column.notNull())
    .addColumn('opened_at', 'integer', (column) => column.notNull())
    .addColumn('ends_at', 'integer', (column) => column.notNull())
    .addColumn('used', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('rate_limit_windows_id', ['root_id', 'digest'])
    .execute();
  await db.schema
    .createIndex('rate_limit_windows_ends_at')
    .on('rate_limit_windows')
    .column('ends_at')
    .execute();
}
