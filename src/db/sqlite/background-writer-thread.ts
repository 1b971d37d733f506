import { workerData } from 'node:worker_threads';
import SqliteDatabase from 'better-sqlite3';
import type { CompiledQuery } from 'kysely';

/** Longer than any other writer holds the lock. No request waits for this thread. */
const BUSY_MS = 5_000;

const sqlite = new SqliteDatabase(String(workerData), { timeout: BUSY_MS });
sqlite.pragma('synchronous = FULL');

/** Runs in a thread of its own. A statement by itself is a transaction. */
export default function run({ sql, parameters }: Pick<CompiledQuery, 'sql' | 'parameters'>): void {
  sqlite.prepare(sql).run(...parameters);
}
