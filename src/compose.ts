import { createApp } from './app.ts';
import { createBootstrapService } from './bootstrap/service.ts';
import { isClaimed } from './bootstrap/store.ts';
import type { Config } from './config.ts';
import { assertNotEmptied, claimIdentity, lostDatabase } from './db/identity.ts';
import { migrate } from './db/migrate.ts';
import { asStartupError, hasContent, openSqlite } from './db/open.ts';
import { clientResolver } from './http/client-address.ts';
import { createBcryptPool } from './keys/bcrypt-pool.ts';
import { createLastUsed } from './keys/last-used.ts';
import { createKeyService } from './keys/service.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';
import { ensurePrivateDirectory } from './lib/private-files.ts';
import { createLockout } from './lockout/lockout.ts';
import { readDatabaseNote, writeDatabaseNote } from './pepper/database-note.ts';
import { loadPepper, pepperCheck } from './pepper/pepper.ts';

export type Keyhearth = Awaited<ReturnType<typeof compose>>;

/**
 * Builds every concrete part from the configuration and wires them.
 * @throws StartupError when the data directory, the pepper or the database is not fit to serve with.
 */
export async function compose(config: Config, logger: Logger, clock: Clock = systemClock) {
  const { db, pepper } = await openStorage(config);
  const bcrypt = createBcryptPool(config.bcryptCost);
  const lastUsed = createLastUsed(db, (err) =>
    logger.warn({ err }, 'last-used times could not be written yet'),
  );
  const keys = createKeyService({ db, pepper, bcrypt, lastUsed, clock });
  const bootstrap = createBootstrapService({ db, keys, clock, token: config.bootstrapToken });
  const app = createApp({
    logger,
    resolveClient: clientResolver(config.trustedProxies, config.lockout.attempts > 0),
    ping: () => isClaimed(db),
    lockout: createLockout(config.lockout, clock),
    bootstrap,
    keys,
  });
  return {
    app,
    bootstrapOpen: await bootstrap.isOpen(),
    /** Writes what is still in memory and closes the database. */
    async close(): Promise<void> {
      await lastUsed.close();
      await bcrypt.close();
      await db.destroy();
    },
  };
}

/**
 * Several processes may do this at once on one new directory. The order makes that safe: the pepper is there before
 * the database, and the database before the note, so who finds one finds what came before it.
 */
async function openStorage({ dataDir, databasePath, pepper: source }: Config) {
  ensurePrivateDirectory(dataDir);
  const note = readDatabaseNote(source, dataDir);
  const databaseExists = hasContent(databasePath);
  if (note.databaseId !== undefined && !databaseExists) throw lostDatabase(databasePath, note.path);
  const pepper = loadPepper(source, databaseExists);
  const db = openSqlite(databasePath);
  try {
    const context = { databasePath, note, pepperCheck: pepperCheck(pepper) };
    await assertNotEmptied(db, context);
    await migrate(db);
    writeDatabaseNote(note, await claimIdentity(db, context));
  } catch (error) {
    await db.destroy();
    throw asStartupError(error, databasePath);
  }
  return { db, pepper };
}
