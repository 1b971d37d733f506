import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import { errorCode } from '../../lib/error-code.ts';
import { APPLICATION_ID } from './application-id.ts';

/** What a database file says about itself. */
export type FileFacts = {
  /** What SQLite finds wrong; undefined when nothing is. */
  damage: string | undefined;
  isOurs: boolean;
  identity: { database_id: string; pepper_check: string | null } | undefined;
  migrations: string[];
  isClaimed: boolean;
};

/** A row of `api_keys`, of any version of the schema. */
export type StoredKey = {
  id: number;
  label: string;
  hint: string;
  is_active: number;
  fingerprint: string | null;
  hash: string;
  expires_at?: number | null;
};

const PAGES_PER_STEP = 1_000;

/**
 * Copies a database, also while others write to it. The copy is one file, with mode 0600.
 * @param onPages called now and then with how many pages are copied, and how many there are
 */
export async function copyDatabase(
  path: string,
  target: string,
  onPages: (copied: number, all: number) => void = () => undefined,
): Promise<void> {
  closeSync(openSync(target, 'wx', 0o600));
  const sqlite = new SqliteDatabase(path, { timeout: 5_000, fileMustExist: true });
  try {
    // Without a transaction, SQLite starts again when somebody else writes between two steps.
    sqlite.exec('begin; select 1 from sqlite_schema');
    await sqlite.backup(target, {
      progress: ({ totalPages, remainingPages }) => {
        onPages(totalPages - remainingPages, totalPages);
        return PAGES_PER_STEP;
      },
    });
  } finally {
    sqlite.close();
  }
}

const NOTHING = { isOurs: false, identity: undefined, migrations: [], isClaimed: false };

/** Checks each page of a file that nobody else uses, and makes it one that needs no write-ahead log. */
export const inspectFile = (path: string): FileFacts =>
  withFile(
    path,
    (sqlite) => {
      const facts = readFacts(sqlite);
      if (facts.damage === undefined) sqlite.pragma('journal_mode = DELETE');
      return facts;
    },
    (damage) => ({ ...NOTHING, damage }),
  );

/** @param onError called with the code of an error of SQLite or of the system */
function withFile<T>(
  path: string,
  work: (sqlite: SqliteDatabase.Database) => T,
  onError: (code: string) => T,
): T {
  let sqlite: SqliteDatabase.Database | undefined;
  try {
    sqlite = new SqliteDatabase(path, { timeout: 5_000, fileMustExist: true });
    sqlite.pragma('trusted_schema = OFF');
    return work(sqlite);
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return onError(code);
  } finally {
    sqlite?.close();
  }
}

/** Checks each page of a database. */
export function readFacts(sqlite: SqliteDatabase.Database): FileFacts {
  const isOurs = sqlite.pragma('application_id', { simple: true }) === APPLICATION_ID;
  const found = String(sqlite.pragma('integrity_check(1)', { simple: true }));
  if (found !== 'ok') return { ...NOTHING, isOurs, damage: found };
  const rows = <Row>(table: string) =>
    hasTable(sqlite, table) ? sqlite.prepare<[], Row>(`select * from ${table}`).all() : [];
  return {
    damage: undefined,
    isOurs,
    identity: rows<{ database_id: string; pepper_check: string | null }>('database_identity')[0],
    migrations: rows<{ name: string }>('kysely_migration').map(({ name }) => name),
    isClaimed: rows('bootstrap_claim').length > 0,
  };
}

const hasTable = (sqlite: SqliteDatabase.Database, name: string) =>
  sqlite.prepare("select 1 from sqlite_schema where type = 'table' and name = ?").get(name) !== undefined;

/**
 * Adds a row to a file that nobody else uses. Of the columns, it takes those that the table has in this version of the
 * schema, and it adds nothing when there is no such table.
 */
export function addRow(path: string, table: string, row: Readonly<Record<string, unknown>>): void {
  const sqlite = new SqliteDatabase(path, { timeout: 0, fileMustExist: true });
  try {
    const there = sqlite
      .prepare<[string], string>('select name from pragma_table_info(?)')
      .pluck()
      .all(table);
    const columns = there.filter((column) => row[column] !== undefined);
    if (columns.length === 0) return;
    const values = columns.map((column) => row[column]);
    const places = columns.map(() => '?');
    sqlite.prepare(`insert into ${table} (${columns.join()}) values (${places.join()})`).run(...values);
  } finally {
    sqlite.close();
  }
}

/** Whether another process has a database open. */
export function isFileInUse(path: string): boolean {
  if (!existsSync(path) || statSync(path).size === 0) return false;
  return withFileAlone(path, () => undefined) === 'in_use';
}

export type Alone = 'in_use' | 'damaged' | 'alone';

/**
 * Calls `work` while no other process has the database open, and writes its write-ahead log into it.
 * @param work called with a function that finds a key by its id, and with the identity of the database
 */
export function withFileAlone(
  path: string,
  work: (find: (id: number) => StoredKey | undefined, databaseId: string | undefined) => void,
): Alone {
  const sqlite = new SqliteDatabase(path, { timeout: 0, fileMustExist: true });
  try {
    // Each process that has the database open holds a lock on it. With such a lock, this one is refused.
    sqlite.pragma('locking_mode = EXCLUSIVE');
    sqlite.exec('begin exclusive; commit');
    const select = sqlite.prepare<[number], StoredKey>('select * from api_keys where id = ?');
    const identity = sqlite.prepare<[], string>('select database_id from database_identity').pluck();
    work((id) => select.get(id), identity.get());
    sqlite.pragma('wal_checkpoint(TRUNCATE)');
    return 'alone';
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (!code.startsWith('SQLITE_')) throw error;
    return /^SQLITE_(BUSY|LOCKED)/.test(code) ? 'in_use' : 'damaged';
  } finally {
    sqlite.close();
  }
}

/** Calls `see` with each active key of a file that nobody else uses. */
export function eachActiveKey(path: string, see: (key: StoredKey) => void): void {
  const sqlite = new SqliteDatabase(path, { readonly: true, fileMustExist: true });
  try {
    const keys = sqlite.prepare<[], StoredKey>('select * from api_keys where is_active = 1 order by id');
    for (const key of keys.iterate()) see(key);
  } finally {
    sqlite.close();
  }
}
