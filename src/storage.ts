import { createSecretKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { isClaimed } from './bootstrap/store.ts';
import type { Config } from './config.ts';
import { isBusy, retryWhileBusy } from './db/busy.ts';
import type { Engine, EngineServices } from './db/engine.ts';
import {
  assertNotEmptied,
  claimIdentity,
  type IdentityContext,
  lostDatabase,
  outdatedDatabase,
  readIdentity,
} from './db/identity.ts';
import { type DatabaseMemory, databaseMemory } from './db/memory.ts';
import { migrate } from './db/migrate.ts';
import { selectEngine } from './db/select-engine.ts';
import type { Db } from './db/tables.ts';
import type { Logger } from './lib/logger.ts';
import { ensurePrivateDirectory } from './lib/private-files.ts';
import { StartupError } from './lib/startup-error.ts';
import {
  type DatabaseMarker,
  markClaimed,
  markDatabase,
  readDatabaseMarker,
} from './pepper/database-marker.ts';
import { loadPepper, type Pepper, pepperCheck } from './pepper/pepper.ts';

/** Another process may bring the schema of many keys up to date. */
const PATIENCE_MS = 30_000;

export type Storage = {
  db: Db;
  services: EngineServices;
  pepper: Pepper;
  /** Undefined when the pepper does not change. */
  previousPepper: Pepper | undefined;
  /** What the database stores of the pepper. */
  check: string;
  /** Records outside the database that its first key is registered. It never throws, since that key is stored already. */
  markClaimed(): void;
  close(): Promise<void>;
};

/**
 * Opens the data directory, the pepper, the database and the marker file that ties these two, or makes them. Several
 * processes may do this at once on one new directory. The order makes that safe: the pepper exists before the
 * database, and the database before the marker, so a process that finds one also finds those before it.
 * @param memory what the threads of this process share about the database
 * @throws StartupError when they cannot be used, or do not belong together
 */
export async function openStorage(
  config: Config,
  logger: Logger,
  memory: DatabaseMemory = databaseMemory(),
): Promise<Storage> {
  const { dataDir } = config;
  const engine = selectEngine(config.database, logger, memory);
  const isNew = !existsSync(dataDir);
  ensurePrivateDirectory(dataDir, (entry) => /^(keyhearth\.db|pepper)/.test(entry));
  if (isNew && config.isDataDirSurprising) warnOfSurprise(dataDir, logger);
  const marker = readDatabaseMarker(config.pepper, dataDir);
  const hasContent = await engine.hasContent();
  if (marker.databaseId !== undefined && !hasContent) throw lostDatabase(engine.name, marker.path);
  // An existing database is opened before the pepper is read or made: it may belong to another program.
  const existing = hasContent ? await engine.open() : undefined;
  try {
    const pepper = loadPepper(config.pepper, hasContent);
    const db = existing ?? (await engine.open());
    const { previousPepper: bytes } = config;
    const previous = bytes && createSecretKey(bytes);
    return await openWith(engine, db, { pepper, previous }, marker, logger);
  } catch (error) {
    await existing?.destroy();
    throw error;
  }
}

/** Somebody who starts the program from another folder than before must not believe that all keys are lost. */
function warnOfSurprise(dataDir: string, logger: Logger): void {
  logger.warn(
    `made the new data directory ${dataDir}, because KEYHEARTH_DATA_DIR is a path from the working directory; if Keyhearth has keys already, stop it, and set KEYHEARTH_DATA_DIR to the absolute path of their directory`,
  );
}

/** `check`: what the database stores of the new pepper. */
export type PepperState =
  | Readonly<{ state: 'fits' }>
  | Readonly<{ state: 'in_use' }>
  | Readonly<{ state: 'lost'; check: string; db: Db }>;

/**
 * Opens an existing database without the pepper that it had. When that is lost, and no other process uses the database,
 * reads the new pepper, or makes it.
 * @throws StartupError when there is no such database, or the marker file names another one
 */
export async function openWithLostPepper<T>(
  config: Config,
  logger: Logger,
  work: (found: PepperState, databaseName: string) => Promise<T>,
): Promise<T> {
  const { dataDir, pepper: source } = config;
  const engine = selectEngine(config.database, logger, databaseMemory());
  const marker = readDatabaseMarker(source, dataDir);
  const isInUse = await engine.isInUse();
  if (!(await engine.hasContent()))
    throw marker.databaseId === undefined
      ? new StartupError(`There is no database at ${engine.name}; check DATABASE_URL and KEYHEARTH_DATA_DIR.`)
      : lostDatabase(engine.name, marker.path);
  const db = await engine.open();
  try {
    const { databaseId, pepperCheck: stored } = await readIdentity(db, { databaseName: engine.name, marker });
    const previous = config.previousPepper && pepperCheck(createSecretKey(config.previousPepper))(databaseId);
    const fits = (check: string) => stored === check || (stored !== null && stored === previous);
    if (isInUse) {
      const present =
        source.from === 'file' && !existsSync(source.path) ? undefined : loadPepper(source, true);
      const isLost = present === undefined || !fits(pepperCheck(present)(databaseId));
      return await work(isLost ? { state: 'in_use' } : { state: 'fits' }, engine.name);
    }
    await migrate(db);
    // The pepper comes first: a second try finishes what a crash interrupts here.
    const pepper = loadPepper(source.from === 'file' ? { ...source, createIfMissing: true } : source, false);
    const check = pepperCheck(pepper)(databaseId);
    return await work(fits(check) ? { state: 'fits' } : { state: 'lost', check, db }, engine.name);
  } catch (error) {
    throw engine.asStartupError(error);
  } finally {
    await db.destroy();
  }
}

/** Closes the database when it fails. */
async function openWith(
  engine: Engine,
  db: Db,
  { pepper, previous }: Readonly<{ pepper: Pepper; previous: Pepper | undefined }>,
  marker: DatabaseMarker,
  logger: Logger,
): Promise<Storage> {
  const context = {
    databaseName: engine.name,
    marker,
    pepperCheck: pepperCheck(pepper),
    previousCheck: previous && pepperCheck(previous),
  };
  try {
    const databaseId = await prepareInTurn(db, context, logger);
    if (marker.databaseId === undefined) markDatabase(marker.path, databaseId);
    if (marker.isClaimed && !(await isClaimed(db))) throw outdatedDatabase(engine.name, marker.path);
    const services = await engine.startServices(databaseId);
    return {
      db,
      services,
      pepper,
      previousPepper: previous,
      check: context.pepperCheck(databaseId),
      markClaimed: () => {
        if (!marker.isClaimed) tryToMark(marker.path, databaseId, logger);
      },
      async close() {
        await services.close();
        await db.destroy();
      },
    };
  } catch (error) {
    await db.destroy();
    throw engine.asStartupError(error);
  }
}

function prepareInTurn(db: Db, context: IdentityContext, logger: Logger): Promise<string> {
  let isReported = false;
  function isOther(error: unknown): boolean {
    if (!isBusy(error)) return false;
    if (!isReported)
      logger.warn(
        `another process keeps ${context.databaseName} busy, for example with a new schema; waits for ${PATIENCE_MS / 1_000} s at most`,
      );
    isReported = true;
    return true;
  }
  return retryWhileBusy(() => prepare(db, context), PATIENCE_MS, isOther);
}

async function prepare(db: Db, context: IdentityContext): Promise<string> {
  await assertNotEmptied(db, context);
  await migrate(db);
  return claimIdentity(db, context);
}

function tryToMark(path: string, databaseId: string, logger: Logger): void {
  try {
    markClaimed(path, databaseId);
  } catch (err) {
    logger.warn(
      { err },
      'the first key is registered, but the marker file beside the pepper could not be written',
    );
  }
}
