import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '../lib/failure.ts';

/**
 * Another writer was in the way for a moment. The engine did nothing, and the same work may succeed soon. Where nobody
 * does it again, the request is refused with `database_busy`.
 */
export class DatabaseBusyError extends DomainError {
  constructor(options?: ErrorOptions) {
    super({ code: 'database_busy', reason: 'other_change', retryAfter: 1 }, options);
    this.name = 'DatabaseBusyError';
  }
}

/**
 * Does the work again, after pauses that grow, as long as another writer is in the way.
 * @throws what the work throws, and the last DatabaseBusyError when `patienceMs` are over
 */
export async function retryWhileBusy<T>(work: () => T | Promise<T>, patienceMs: number): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (let pause = 2; ; pause = Math.min(pause * 2, 50)) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseBusyError) || performance.now() > deadline) throw error;
      await sleep(pause * (0.5 + Math.random()));
    }
  }
}
