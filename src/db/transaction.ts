import { DomainError, errorCode } from '../lib/errors.ts';
import { isBusy, retryWhileBusy } from './busy.ts';
import type { Db, Tx } from './tables.ts';

/** How long a change waits for another process's writes before it is refused. */
const PATIENCE_MS = 5_000;

/** A full disk, a file system that turned read-only, a disk that fails. */
const cannotWrite = (error: unknown) => /^SQLITE_(FULL|READONLY|IOERR)/.test(errorCode(error) ?? '');

/**
 * Runs `work` in one write transaction. Inside, use only `tx`: the outer handle waits for the one connection that
 * this transaction holds. When another process holds the write lock, the attempt ends at once and is made again
 * later, so that requests that only read go on meanwhile; `work` must therefore have no effect but on `tx`.
 *
 * @throws DomainError `database_busy` when the lock could not be had in five seconds, `database_unavailable` when the
 * disk does not take it.
 */
export async function transaction<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  try {
    return await retryWhileBusy(() => db.transaction().execute(work), PATIENCE_MS);
  } catch (cause) {
    if (cannotWrite(cause)) {
      throw new DomainError(
        {
          code: 'database_unavailable',
          detail: 'The database cannot be written at the moment. Nothing was changed.',
          retryAfter: 30,
        },
        { cause },
      );
    }
    if (!isBusy(cause)) throw cause;
    throw new DomainError({
      code: 'database_busy',
      detail: 'The database is busy with another change. Try again in a moment.',
      retryAfter: 1,
    });
  }
}
