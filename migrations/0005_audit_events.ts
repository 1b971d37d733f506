import { type CreateTableBuilder, type Kysely, PostgresAdapter } from 'kysely';

/** Who changed what, and when. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await addGeneratedId(db, db.schema.createTable('audit_events'))
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('actor_kind', 'text', (column) => column.notNull())
    .addColumn('actor_id', 'bigint')
    .addColumn('actor_hint', 'text')
    .addColumn('actor_label', 'text')
    .addColumn('address', 'text')
    .addColumn('key_id', 'bigint')
    .addColumn('changes', 'text', (column) => column.notNull())
    .addColumn('request_id', 'text')
    .execute();
  // One for each filter. All end in the order of the listing, so a page reads only its own events.
  const filters = { at: [], action: ['action'], actor: ['actor_kind', 'actor_id'], key: ['key_id'] };
  for (const [name, columns] of Object.entries(filters)) {
    await db.schema
      .createIndex(`audit_events_${name}`)
      .on('audit_events')
      .columns([...columns, 'at', 'id'])
      .execute();
  }
}

/** The database generates the ids, and never gives one again. */
const addGeneratedId = <Table extends string>(
  db: Kysely<unknown>,
  table: CreateTableBuilder<Table>,
): CreateTableBuilder<Table, 'id'> =>
  db.getExecutor().adapter instanceof PostgresAdapter
    ? table.addColumn('id', 'bigint', (column) => column.primaryKey().generatedByDefaultAsIdentity())
    : table.addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement());
