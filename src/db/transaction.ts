import { retryWhileBusy } from './busy.ts';
import type { Db, Tx } from './tables.ts';

/** How long a change waits for the writes of another process on the same SQLite file before it is refused. */
const PATIENCE_MS = 5_000;

/**
 * Runs `work` in one write transaction. Inside, use only `tx`: with SQLite the outer handle waits for the one connection
 * that this transaction holds. When another process holds SQLite's write lock, the attempt ends at once and is repeated
 * later, so that requests that only read go on meanwhile. So `work` must have no effect but on `tx`.
 *
 * @throws DomainError `database_busy` when the lock was not free within five seconds (PostgreSQL: its `lock_timeout`),
 * `database_unavailable` when the disk does not take the write, or when nobody may see it again
 */
export const transaction = <T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> =>
  retryWhileBusy(() => db.transaction().execute(work), PATIENCE_MS);
