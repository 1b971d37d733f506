import SqliteDatabase from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { errorCode } from '../../lib/error-code.ts';
import type { Db, Tables } from '../tables.ts';
import { readFacts } from './whole-file.ts';

export type Examined<Contents> =
  | Readonly<{ state: 'damaged'; reason: string }>
  | Readonly<{ state: 'foreign' }>
  | Readonly<{ state: 'readable'; contents: Contents }>;

/** Checks each page of a database that others may use at the same time, then reads from it. Changes nothing. */
export async function examineFile<Contents>(
  path: string,
  read: (db: Db) => Promise<Contents>,
): Promise<Examined<Contents>> {
  let sqlite: SqliteDatabase.Database | undefined;
  try {
    sqlite = new SqliteDatabase(path, { timeout: 5_000, fileMustExist: true });
    sqlite.pragma('trusted_schema = OFF');
    sqlite.pragma('query_only = ON');
    const { damage, isOurs } = readFacts(sqlite);
    if (damage !== undefined) return { state: 'damaged', reason: damage };
    if (!isOurs) return { state: 'foreign' };
    const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: sqlite }) });
    return { state: 'readable', contents: await read(db) };
  } catch (error) {
    const reason = errorCode(error);
    if (reason === undefined) throw error;
    return { state: 'damaged', reason };
  } finally {
    sqlite?.close();
  }
}
