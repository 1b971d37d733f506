import { Migrator } from 'kysely/migration';
import { migrations } from '../../migrations/index.ts';
import { StartupError } from '../lib/startup-error.ts';
import { hasTable, schemaOf } from './differences.ts';
import type { Db } from './tables.ts';
import { transaction } from './transaction.ts';

const newest = Object.keys(migrations).at(-1);

const UNFINISHED = 'unfinished-copy-of-';

/** The name that stands among the migrations of a database until all of another one is in it. No version starts on it. */
export const unfinishedCopyOf = (databaseId: string) => `${UNFINISHED}${databaseId}`;

/**
 * Brings the schema up to date in one transaction: all of it or nothing.
 * @throws StartupError when the database was written by a newer version.
 */
export async function migrate(db: Db): Promise<void> {
  if (await isCurrent(db)) return;
  await transaction(db, async (tx) => {
    // Another replica may have migrated while this one waited, and it may be newer.
    if (await isCurrent(tx)) return;
    const schema = await schemaOf(tx);
    const migrator = new Migrator({
      db: tx,
      provider: { getMigrations: async () => migrations },
      ...(schema !== undefined && { migrationTableSchema: schema }),
    });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
  });
}

/** Reads without a lock, so that a start with a current schema does not wait for a writer. */
async function isCurrent(db: Db): Promise<boolean> {
  const applied = await appliedMigrations(db);
  assertNotNewer(applied);
  return applied.length === Object.keys(migrations).length;
}

/** Whether a start would change the schema of a database. @param applied its migrations */
export const isSchemaBehind = (applied: readonly string[]): boolean =>
  Object.keys(migrations).some((name) => !applied.includes(name));

/** @throws StartupError when one of the migrations of a database is of a newer version */
export function assertNotNewer(applied: readonly string[]): void {
  const unknown = applied.find((name) => !(name in migrations));
  if (unknown === undefined) return;
  if (unknown.startsWith(UNFINISHED))
    throw new StartupError(
      'This database is a copy that is not complete; run the same keyhearth copy again, or empty the database.',
    );
  throw new StartupError(
    `The database was migrated to ${unknown} by a newer Keyhearth; this one knows ${newest}. Start the newer version.`,
  );
}

/** The names of the migrations of a database, of any version. */
export async function appliedMigrations(db: Db): Promise<string[]> {
  if (!(await hasTable(db, 'kysely_migration'))) return [];
  const rows = await db
    .withTables<{ kysely_migration: { name: string } }>()
    .selectFrom('kysely_migration')
    .select('name')
    .execute();
  return rows.map((row) => row.name);
}
