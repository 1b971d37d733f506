import { isClaimed } from './bootstrap/store.ts';
import type { Config } from './config.ts';
import { retryWhileBusy } from './db/busy.ts';
import type { Equipment } from './db/database.ts';
import { engineOf } from './db/engine.ts';
import {
  assertNotEmptied,
  claimIdentity,
  type IdentityContext,
  lostDatabase,
  outdatedDatabase,
} from './db/identity.ts';
import { migrate } from './db/migrate.ts';
import type { Db } from './db/tables.ts';
import type { Logger } from './lib/logger.ts';
import { ensurePrivateDirectory } from './lib/private-files.ts';
import { noteClaim, noteDatabase, readDatabaseNote } from './pepper/database-note.ts';
import { loadPepper, type Pepper, pepperCheck } from './pepper/pepper.ts';

const PATIENCE_MS = 1_500;

export type Storage = {
  db: Db;
  equipment: Equipment;
  pepper: Pepper;
  /** Remembers outside the database that its first key is registered. */
  noteClaim(): void;
};

/**
 * Opens what a start finds, or makes it: the data directory, the pepper, the database and the note that ties the two.
 * Several processes may do this at once on one new directory. The order makes that safe: the pepper is there before
 * the database, and the database before the note, so who finds one finds what came before it.
 * @throws StartupError when they are not fit to serve with, or do not belong together.
 */
export async function openStorage(config: Config, logger: Logger): Promise<Storage> {
  const { dataDir } = config;
  const engine = engineOf(config.database, logger);
  ensurePrivateDirectory(dataDir, (entry) => /^(keyhearth\.db|pepper)/.test(entry));
  const note = readDatabaseNote(config.pepper, dataDir);
  const hasContent = await engine.hasContent();
  if (note.databaseId !== undefined && !hasContent) throw lostDatabase(engine.name, note.path);
  // What is there is looked at before a pepper is made or missed: it may be another program's.
  const existing = hasContent ? await engine.open() : undefined;
  const pepper = loadPepper(config.pepper, hasContent);
  const db = existing ?? (await engine.open());
  const context = { databaseName: engine.name, note, pepperCheck: pepperCheck(pepper) };
  try {
    const databaseId = await retryWhileBusy(() => prepare(db, context), PATIENCE_MS);
    if (note.databaseId === undefined) noteDatabase(note.path, databaseId);
    if (note.isClaimed && !(await isClaimed(db))) throw outdatedDatabase(engine.name, note.path);
    const equipment = await engine.equip(databaseId);
    return {
      db,
      equipment,
      pepper,
      noteClaim: () => {
        if (!note.isClaimed) noteClaim(note.path, databaseId);
      },
    };
  } catch (error) {
    await db.destroy();
    throw engine.asStartupError(error);
  }
}

async function prepare(db: Db, context: IdentityContext): Promise<string> {
  await assertNotEmptied(db, context);
  await migrate(db);
  return claimIdentity(db, context);
}
