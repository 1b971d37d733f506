import { type CreateTableBuilder, type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely';
import { CHANGE, CHANNEL } from './postgres/channel.ts';
import type { Db } from './tables.ts';

/** What the engines write differently, and the tables and the store do not want to know. */

const isPostgres = <Database>(db: Kysely<Database>) => db.getExecutor().adapter instanceof PostgresAdapter;

/** Where the tables are, which is not the only place in a database that others use too; undefined where it is. */
export async function schemaOf(db: Db): Promise<string | undefined> {
  if (!isPostgres(db)) return undefined;
  const { rows } = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(db);
  return rows[0]?.schema ?? undefined;
}

export async function hasTable(db: Db, name: string): Promise<boolean> {
  const schema = await schemaOf(db);
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  return tables.some((table) => table.name === name && (schema === undefined || table.schema === schema));
}

/** Adds the column `id`: given by the database, and never given again. */
export const addGeneratedId = <Database, Table extends string>(
  db: Kysely<Database>,
  table: CreateTableBuilder<Table>,
): CreateTableBuilder<Table, 'id'> =>
  isPostgres(db)
    ? table.addColumn('id', 'bigint', (column) => column.primaryKey().generatedByDefaultAsIdentity())
    : table.addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement());

/** The elements of a JSON array, as rows with one column named `value`. */
export const jsonElements = <Database>(db: Kysely<Database>, json: string): RawBuilder<{ value: unknown }> =>
  isPostgres(db) ? sql`jsonb_array_elements(cast(${json} as jsonb))` : sql`json_each(${json})`;

/** Where processes on other machines must be told, has the database tell them of every change of what a key is. */
export async function announceChangesOfKeys<Database>(db: Kysely<Database>): Promise<void> {
  if (!isPostgres(db)) return;
  await sql`
    create function keyhearth_announce_change() returns trigger language plpgsql as $$
    begin
      perform pg_notify(${sql.lit(CHANNEL)}, ${sql.lit(CHANGE)});
      return null;
    end $$
  `.execute(db);
  await sql`
    create trigger keyhearth_announce_change
    after insert or delete or truncate or update of label, hint, fingerprint, hash, is_active, created_at on api_keys
    for each statement execute function keyhearth_announce_change()
  `.execute(db);
  // Also in a session that says that it is a replica. The worker of a logical replication fires no statement's trigger.
  await sql`alter table api_keys enable always trigger keyhearth_announce_change`.execute(db);
}
