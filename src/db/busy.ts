import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '../lib/failure.ts';

/**
 * Another writer holds the lock. The engine has changed nothing, and the same work may succeed soon. If nobody repeats
 * the work, the request is refused with `database_busy`.
 */
export class DatabaseBusyError extends DomainError {
  constructor(options?: ErrorOptions) {
    super({ code: 'database_busy', reason: 'other_change', retryAfter: 1 }, options);
    this.name = 'DatabaseBusyError';
  }
}

/** Whether the work was refused because of other work in the database, of this process or of another one. */
export const isBusy = (error: unknown): boolean =>
  error instanceof DomainError &&
  error.failure.code === 'database_busy' &&
  error.failure.reason !== 'timeout';

/**
 * Repeats the work, with growing pauses, as long as another writer holds the lock.
 * @param isOther which errors say that; PostgreSQL's end a wait of some seconds
 * @throws what the work throws, and the last error that says so after `patienceMs`
 */
export async function retryWhileBusy<T>(
  work: () => T | Promise<T>,
  patienceMs: number,
  isOther = (error: unknown): boolean => error instanceof DatabaseBusyError,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (let pause = 2; ; pause = Math.min(pause * 2, 50)) {
    try {
      return await work();
    } catch (error) {
      if (!isOther(error) || performance.now() > deadline) throw error;
      await sleep(pause * (0.5 + Math.random()));
    }
  }
}
