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

export type Statement = Pick<CompiledQuery, 'sql' | 'parameters'>;

const runAll = sqlite.transaction((statements: readonly Statement[]) => {
  for (const { sql, parameters } of statements) sqlite.prepare(sql).run(...parameters);
});

/** Runs in a thread of its own. @returns why it failed, or nothing */
export function run(statements: readonly Statement[]): Failed | undefined {
  try {
    runAll.immediate(statements);
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { code: errorCode(error), message: error.message };
  }
}
