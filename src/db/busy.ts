import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../lib/errors.ts';

/** Every millisecond of waiting inside SQLite stalls all requests of its thread. */
export const BUSY_MS = 5;

export const isBusy = (error: unknown) => errorCode(error)?.startsWith('SQLITE_BUSY') === true;

/**
 * Does the work again, after pauses that grow, as long as SQLite answers that another process is in the way.
 * @throws what the work throws, and the last "busy" when `patienceMs` are over
 */
export async function retryWhileBusy<T>(work: () => T | Promise<T>, patienceMs: number): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (let pause = 2; ; pause = Math.min(pause * 2, 50)) {
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      await sleep(pause * (0.5 + Math.random()));
    }
  }
}
