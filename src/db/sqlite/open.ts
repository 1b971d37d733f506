import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import { Kysely } from 'kysely';
import { errorCode } from '../../lib/error-code.ts';
import { makePrivate } from '../../lib/private-files.ts';
import { fileError, StartupError } from '../../lib/startup-error.ts';
import { retryWhileBusy } from '../busy.ts';
import type { Outages } from '../outages.ts';
import type { Db, Tables } from '../tables.ts';
import { APPLICATION_ID } from './application-id.ts';
import { type Condition, createCondition } from './condition.ts';
import { sqliteDialect } from './dialect.ts';
import { asStartupError, BUSY_MS, damagedDatabase, translateError } from './failure.ts';
import { assertFirstFile, rememberFirstFile } from './files.ts';

/** Several processes that open one new file delay each other for longer than SQLite waits. */
const OPENING_PATIENCE_MS = 1_500;

/** To check every page of a small file takes about ten milliseconds. For a large file, it takes too long for a start. */
const FULL_CHECK_BYTES = 16 * 1024 * 1024;

/** Whether the file exists and is not empty. */
export function hasContent(path: string): boolean {
  try {
    return statSync(path).size > 0;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw new StartupError(
      `Cannot read the database ${path} (${errorCode(error)}); check the path and its permissions.`,
    );
  }
}

/**
 * Opens the SQLite file, or makes it with mode 0600.
 * @param firstFile the file that the first thread of this process opened. Later threads may open no other one
 * @throws StartupError for a file of another program
 */
export async function openSqlite(
  path: string,
  outages: Outages,
  firstFile: SharedArrayBuffer,
): Promise<{ db: Db; condition: Condition }> {
  const sqlite = open(path, firstFile);
  try {
    await retryWhileBusy(() => prepareTranslated(sqlite, path), OPENING_PATIENCE_MS);
    const condition = createCondition(path, outages);
    const db = new Kysely<Tables>({ dialect: sqliteDialect(sqlite, condition) });
    // Kysely closes the file only if it has used it.
    await db.connection().execute(async () => undefined);
    return { db, condition };
  } catch (error) {
    sqlite.close();
    throw asStartupError(error, path);
  }
}

function prepareTranslated(sqlite: SqliteDatabase.Database, path: string): void {
  try {
    prepare(sqlite, path);
  } catch (error) {
    throw translateError(error, false);
  }
}

function prepare(sqlite: SqliteDatabase.Database, path: string): void {
  sqlite.pragma('foreign_keys = ON');
  sqlite.pragma('trusted_schema = OFF');
  assertOurs(sqlite, path);
  for (const suffix of ['', '-wal', '-shm']) makePrivate(`${path}${suffix}`);
  if (sqlite.pragma('journal_mode = WAL', { simple: true }) !== 'wal') {
    throw new StartupError(
      `The file system of ${path} cannot share memory between processes, which SQLite's write-ahead log needs; put the data directory on a local disk.`,
    );
  }
  sqlite.pragma('synchronous = FULL');
  // The first read in this mode makes the write-ahead log.
  sqlite.pragma('schema_version');
  if (statSync(path).size <= FULL_CHECK_BYTES && sqlite.pragma('quick_check(1)', { simple: true }) !== 'ok') {
    throw damagedDatabase(path);
  }
}

function open(path: string, firstFile: SharedArrayBuffer): SqliteDatabase.Database {
  try {
    // Only if it does not exist: to close a file that is in use drops SQLite's locks on it (sqlite.org/howtocorrupt, 2.2).
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
    assertFirstFile(path, firstFile);
    const sqlite = new SqliteDatabase(path, { timeout: BUSY_MS, fileMustExist: true });
    rememberFirstFile(path, firstFile);
    return sqlite;
  } catch (error) {
    if (['MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED'].includes(errorCode(error) ?? '')) {
      throw new StartupError(
        'The package better-sqlite3 is not the one for this kind of machine; on this machine, run: npm ci',
      );
    }
    throw fileError(
      error,
      path,
      `Cannot open the database ${path} (${errorCode(error)}); check that its directory exists and is writable.`,
    );
  }
}

function assertOurs(sqlite: SqliteDatabase.Database, path: string): void {
  const applicationId = sqlite.pragma('application_id', { simple: true });
  if (applicationId === APPLICATION_ID) return;
  const claimed = sqlite
    .transaction(() => {
      const objects = sqlite.prepare('select count(*) from sqlite_schema').pluck().get();
      if (applicationId !== 0 || objects !== 0) return false;
      sqlite.pragma(`application_id = ${APPLICATION_ID}`);
      return true;
    })
    .immediate();
  const isOurs = claimed || sqlite.pragma('application_id', { simple: true }) === APPLICATION_ID;
  if (!isOurs) {
    throw new StartupError(
      `${path} is an SQLite database of another program; point DATABASE_URL or KEYHEARTH_DATA_DIR at another place.`,
    );
  }
}
