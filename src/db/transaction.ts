import { retryWhileBusy } from './busy.ts';
import type { Db, Tx } from './tables.ts';

/** After so long, a change no longer waits for the writes of another process on the same SQLite file. */
const PATIENCE_MS = 5_000;

/**
 * Runs `work` in one write transaction. Inside, use only `tx`: with SQLite, the outer handle waits for the only connection,
 * which this transaction holds. When another process holds SQLite's write lock, the attempt ends at once and is repeated
 * later, so that requests that only read continue. So `work` must have no effect except on `tx`.
 *
 * @throws DomainError `database_busy` when the lock is not free within five seconds (PostgreSQL: its `lock_timeout`),
 * `database_unavailable` when the write fails, or when the file is lost
 */
export const transaction = <T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> =>
  retryWhileBusy(() => db.transaction().execute(work), PATIENCE_MS);
