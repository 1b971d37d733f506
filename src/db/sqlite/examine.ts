import { existsSync, realpathSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { errorCode } from '../../lib/error-code.ts';
import type { Db, Tables } from '../tables.ts';
import { readFacts } from './whole-file.ts';

export type Examined<Contents> =
  | Readonly<{ state: 'damaged'; reason: string }>
  /** A process may have the write-ahead log open that its path names no more. */
  | Readonly<{ state: 'log_lost'; log: string }>
  | Readonly<{ state: 'foreign' }>
  | Readonly<{ state: 'readable'; contents: Contents }>;

/** The log is shorter than its index says. Of the database itself, SQLite reads missing pages as empty ones. */
const SHORT_READ = /\bSQLITE_IOERR_SHORT_READ\b|\berror code=522\b/;

/** Checks each page of a database that others may use at the same time, then reads from it. Changes nothing. */
export async function examineFile<Contents>(
  path: string,
  read: (db: Db) => Promise<Contents>,
): Promise<Examined<Contents>> {
  const target = realpathSync(path);
  const logLost = { state: 'log_lost', log: `${target}-wal` } as const;
  // SQLite makes the log before its index, and deletes it after the index. To open the database would make a new log.
  if (existsSync(`${target}-shm`) && !existsSync(logLost.log)) return logLost;
  let sqlite: SqliteDatabase.Database | undefined;
  try {
    sqlite = new SqliteDatabase(path, { timeout: 5_000, fileMustExist: true });
    sqlite.pragma('trusted_schema = OFF');
    sqlite.pragma('query_only = ON');
    const { damage, isOurs } = readFacts(sqlite);
    if (damage !== undefined) return SHORT_READ.test(damage) ? logLost : { state: 'damaged', reason: damage };
    if (!isOurs) return { state: 'foreign' };
    const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: sqlite }) });
    return { state: 'readable', contents: await read(db) };
  } catch (error) {
    const reason = errorCode(error);
    if (reason === undefined) throw error;
    if (SHORT_READ.test(reason)) return logLost;
    return { state: 'damaged', reason };
  } finally {
    sqlite?.close();
  }
}
