import { workerData } from 'node:worker_threads';
import SqliteDatabase from 'better-sqlite3';
import type { CompiledQuery } from 'kysely';
import { errorCode } from '../../lib/error-code.ts';

/** No other writer holds the lock for so long. No request waits for this thread. */
const BUSY_MS = 5_000;

/** An error loses its code on the way to another thread. */
export type Failed = { code: string | undefined; message: string };

// The file must exist. Nobody would read a new one in its place.
const sqlite = new SqliteDatabase(String(workerData), { timeout: BUSY_MS, fileMustExist: true });
sqlite.pragma('synchronous = FULL');

/** Runs in a thread of its own. A single statement is a transaction. @returns why it failed, or nothing */
export default function run({
  sql,
  parameters,
}: Pick<CompiledQuery, 'sql' | 'parameters'>): Failed | undefined {
  try {
    sqlite.prepare(sql).run(...parameters);
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { code: errorCode(error), message: error.message };
  }
}
