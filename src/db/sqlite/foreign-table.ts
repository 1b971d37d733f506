import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { errorCode } from '../../lib/error-code.ts';
import { APPLICATION_ID } from './application-id.ts';

/** Nobody has so many keys whose hashes only bcrypt can compare. */
const MAX_ROWS = 100_000;

export type ForeignRow = Readonly<Record<string, unknown>>;

/** The rows of a table, or why there are none. */
export type ForeignTable =
  | Readonly<{ rows: readonly ForeignRow[] }>
  | Readonly<{ problem: 'missing' }>
  | Readonly<{ problem: 'no_file' | 'not_sqlite' | 'ours' | 'no_table' | 'too_many' }>
  | Readonly<{ problem: 'no_column'; column: string }>
  | Readonly<{ problem: 'unreadable'; code: string }>;

/**
 * Reads a table in the SQLite file of another program, which may use it at the same time. It writes nothing into the file.
 * @param columns the first one decides the order
 */
export function readForeignTable(
  path: string,
  table: string,
  columns: readonly [string, ...string[]],
): ForeignTable {
  if (!existsSync(path)) return { problem: 'missing' };
  if (!statSync(path).isFile()) return { problem: 'no_file' };
  try {
    return withReadable(path, (readable) => {
      const sqlite = new SqliteDatabase(readable, { readonly: true, fileMustExist: true, timeout: 5_000 });
      try {
        return read(sqlite, table, columns);
      } finally {
        sqlite.close();
      }
    });
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return code === 'SQLITE_NOTADB' ? { problem: 'not_sqlite' } : { problem: 'unreadable', code };
  }
}

/**
 * To read a write-ahead log, SQLite makes files beside the database. They would belong to this user, and the other program
 * could not use them. So a database that nobody has open is read from a copy.
 */
function withReadable<T>(path: string, work: (path: string) => T): T {
  if (!hasWriteAheadLog(path) || existsSync(`${path}-shm`)) return work(path);
  const directory = mkdtempSync(join(tmpdir(), 'keyhearth-'));
  try {
    const copy = join(directory, basename(path));
    for (const suffix of ['', '-wal'])
      if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
    return work(copy);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** In the header of the file, offset 18: 2 for a write-ahead log. */
function hasWriteAheadLog(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const version = Buffer.alloc(1);
    readSync(file, version, 0, 1, 18);
    return version[0] === 2;
  } finally {
    closeSync(file);
  }
}

function read(
  sqlite: SqliteDatabase.Database,
  table: string,
  columns: readonly [string, ...string[]],
): ForeignTable {
  // The file may be damaged, or made to do harm.
  sqlite.pragma('trusted_schema = OFF');
  sqlite.pragma('cell_size_check = ON');
  if (sqlite.pragma('application_id', { simple: true }) === APPLICATION_ID) return { problem: 'ours' };
  const has = sqlite.prepare("select 1 from sqlite_schema where type = 'table' and name = ?").get(table);
  if (has === undefined) return { problem: 'no_table' };
  const present = sqlite.prepare('select name from pragma_table_info(?)').pluck().all(table);
  const column = columns.find((name) => !present.includes(name));
  if (column !== undefined) return { problem: 'no_column', column };
  const quoted = columns.map((name) => `"${name}"`);
  const rows = sqlite
    .prepare<[number], ForeignRow>(`select ${quoted} from "${table}" order by ${quoted[0]} limit ?`)
    .all(MAX_ROWS + 1);
  return rows.length > MAX_ROWS ? { problem: 'too_many' } : { rows };
}
