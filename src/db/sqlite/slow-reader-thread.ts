import { workerData } from 'node:worker_threads';
import SqliteDatabase from 'better-sqlite3';
import type { CompiledQuery } from 'kysely';
import { errorCode } from '../../lib/error-code.ts';
import type { Failed } from './background-writer-thread.ts';
import { BUSY_MS } from './failure.ts';
import { cachingStatements } from './statement-cache.ts';

const sqlite = new SqliteDatabase(String(workerData), { readonly: true, timeout: BUSY_MS });
const statements = cachingStatements(sqlite);

/** Runs in a thread of its own. @returns the rows, or why it failed */
export function run({
  sql,
  parameters,
}: Pick<CompiledQuery, 'sql' | 'parameters'>): { rows: unknown[] } | Failed {
  try {
    return { rows: statements.prepare(sql).all(...parameters) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { code: errorCode(error), message: error.message };
  }
}
