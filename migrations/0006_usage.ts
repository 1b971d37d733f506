import { type Kysely, PostgresAdapter, sql } from 'kysely';

/**
 * Verifications by hour and by day. The primary key begins with the time: what is written at one time lies together, and
 * so does what is summed up or removed together.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const withoutRowid = sql.raw(db.getExecutor().adapter instanceof PostgresAdapter ? '' : 'without rowid');
  for (const table of ['usage_hours', 'usage_days']) {
    await sql`
      create table ${sql.table(table)} (
        start bigint not null,
        key_id bigint not null,
        outcome text not null,
        count bigint not null,
        primary key (start, key_id, outcome)
      ) ${withoutRowid}
    `.execute(db);
  }
  await db.schema
    .createTable('usage_writers')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('batch', 'bigint', (column) => column.notNull())
    .addColumn('written_at', 'bigint', (column) => column.notNull())
    .execute();
}
