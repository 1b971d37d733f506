import { type CreateTableBuilder, type Kysely, PostgresAdapter, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('database_identity')
    .addColumn('id', 'integer', (column) => column.primaryKey().check(sql`id = 1`))
    .addColumn('database_id', 'text', (column) => column.notNull())
    .addColumn('pepper_check', 'text')
    .execute();

  await db.schema
    .createTable('bootstrap_claim')
    .addColumn('id', 'integer', (column) => column.primaryKey().check(sql`id = 1`))
    .addColumn('claimed_at', 'bigint', (column) => column.notNull())
    .execute();

  await addGeneratedId(db, db.schema.createTable('api_keys'))
    .addColumn('label', 'text', (column) => column.notNull())
    .addColumn('hint', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text', (column) => column.unique())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('is_active', 'integer', (column) => column.notNull().check(sql`is_active in (0, 1)`))
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('last_used_at', 'bigint')
    .execute();

  await db.schema
    .createIndex('api_keys_active')
    .on('api_keys')
    .column('id')
    .where(sql.ref('is_active'), '=', sql.lit(1))
    .execute();

  await db.schema
    .createIndex('api_keys_without_fingerprint')
    .on('api_keys')
    .column('hint')
    .where(sql.ref('fingerprint'), 'is', null)
    .execute();
}

/** The database generates the ids, and never gives one again. */
const addGeneratedId = <Table extends string>(
  db: Kysely<unknown>,
  table: CreateTableBuilder<Table>,
): CreateTableBuilder<Table, 'id'> =>
  db.getExecutor().adapter instanceof PostgresAdapter
    ? table.addColumn('id', 'bigint', (column) => column.primaryKey().generatedByDefaultAsIdentity())
    : table.addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement());
