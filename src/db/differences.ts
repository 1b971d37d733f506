import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely';
import type { Db } from './tables.ts';

/** SQL that the engines write differently. */

const isPostgres = <Database>(db: Kysely<Database>) => db.getExecutor().adapter instanceof PostgresAdapter;

/** The schema of our tables in PostgreSQL, because a database can have several. Undefined in SQLite. */
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

/** The elements of a JSON array, as rows with one column named `value`. */
export const jsonElements = <Database>(db: Kysely<Database>, json: string): RawBuilder<{ value: unknown }> =>
  isPostgres(db) ? sql`jsonb_array_elements(cast(${json} as jsonb))` : sql`json_each(${json})`;

/**
 * A table, of which SQLite reads this index. SQLite keeps no statistics here, so it cannot know which of several indexes
 * leaves fewer rows. PostgreSQL knows.
 */
export const scanned = (db: Db, table: string, index: string): RawBuilder<unknown> =>
  isPostgres(db) ? sql`${sql.table(table)}` : sql`${sql.table(table)} indexed by ${sql.ref(index)}`;

/**
 * A number to sort by, but not with an index. PostgreSQL would take the index, because it expects that the page is full
 * soon. When it is not, it reads a million rows in an order that is not theirs, and with one process only.
 */
export const unindexed = (db: Db, value: RawBuilder<number>): RawBuilder<number> =>
  isPostgres(db) ? sql`${value} + 0` : value;
