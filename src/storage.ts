import type { Config } from './config.ts';
import { retryWhileBusy } from './db/busy.ts';
import { assertNotEmptied, claimIdentity, type IdentityContext, lostDatabase } from './db/identity.ts';
import { migrate } from './db/migrate.ts';
import { asStartupError, hasContent, openSqlite } from './db/open.ts';
import type { Db } from './db/tables.ts';
import { ensurePrivateDirectory } from './lib/private-files.ts';
import { readDatabaseNote, writeDatabaseNote } from './pepper/database-note.ts';
import { loadPepper, type Pepper, pepperCheck } from './pepper/pepper.ts';

const PATIENCE_MS = 1_500;

/**
 * Opens what a start finds, or makes it: the data directory, the pepper, the database and the note that ties the two.
 * Several processes may do this at once on one new directory. The order makes that safe: the pepper is there before
 * the database, and the database before the note, so who finds one finds what came before it.
 * @throws StartupError when they are not fit to serve with, or do not belong together.
 */
export async function openStorage(config: Config): Promise<{ db: Db; pepper: Pepper }> {
  const { dataDir, databasePath } = config;
  ensurePrivateDirectory(dataDir);
  const note = readDatabaseNote(config.pepper, dataDir);
  const databaseExists = hasContent(databasePath);
  if (note.databaseId !== undefined && !databaseExists) throw lostDatabase(databasePath, note.path);
  // What is there is looked at before a pepper is made or missed: it may be another program's.
  const existing = databaseExists ? await openSqlite(databasePath) : undefined;
  const pepper = loadPepper(config.pepper, databaseExists);
  const db = existing ?? (await openSqlite(databasePath));
  const context = { databasePath, note, pepperCheck: pepperCheck(pepper) };
  try {
    writeDatabaseNote(note, await retryWhileBusy(() => prepare(db, context), PATIENCE_MS));
  } catch (error) {
    await db.destroy();
    throw asStartupError(error, databasePath);
  }
  return { db, pepper };
}

async function prepare(db: Db, context: IdentityContext): Promise<string> {
  await assertNotEmptied(db, context);
  await migrate(db);
  return claimIdentity(db, context);
}
