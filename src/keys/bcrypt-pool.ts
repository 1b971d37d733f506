import { Piscina } from 'piscina';
import { DomainError } from '../lib/failure.ts';
import type { BcryptTask } from './bcrypt-worker.ts';

/** Each task takes a quarter of a second. In a longer queue, a task waits for longer than its client does. */
const MAX_WAITING = 32;
const IDLE_MS = 30_000;

export type BcryptPool = {
  /** @throws DomainError `overloaded` when the queue is full */
  hash(input: string): Promise<string>;
  /**
   * The index of the hash that matches the input, or -1. All hashes are one task in the queue.
   * @throws DomainError `overloaded` when the queue is full
   */
  find(input: string, hashes: string[]): Promise<number>;
  close(): Promise<void>;
};

/**
 * Hashes and compares in worker threads. One thread always runs, in case the machine cannot start another one later. More
 * threads start when there is work, and end after it.
 * @param onError called when a thread cannot be started, or dies
 */
export function createBcryptPool(
  cost: number,
  maxThreads: number,
  onError: (error: unknown) => void,
): BcryptPool {
  const pool = new Piscina<BcryptTask, string | number>({
    filename: new URL('./bcrypt-worker.ts', import.meta.url).href,
    minThreads: 1,
    maxThreads,
    idleTimeout: IDLE_MS,
    maxQueue: MAX_WAITING,
  });

  pool.on('error', onError);

  async function run(task: BcryptTask): Promise<string | number> {
    if (pool.queueSize >= MAX_WAITING)
      throw new DomainError({ code: 'overloaded', reason: 'hashing', retryAfter: 5 });
    return pool.run(task);
  }

  return {
    hash: async (input) => String(await run({ do: 'hash', input, cost })),
    find: async (input, hashes) => Number(await run({ do: 'find', input, hashes })),
    close: () => pool.destroy(),
  };
}
