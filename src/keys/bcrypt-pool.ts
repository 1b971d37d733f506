import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { DomainError } from '../lib/errors.ts';
import type { BcryptTask } from './bcrypt-worker.ts';

/** At a quarter of a second each, who is further back would wait for longer than a caller does. */
const MAX_WAITING = 32;
const IDLE_MS = 30_000;

export type BcryptPool = {
  /** @throws DomainError `overloaded` when the queue is full. */
  hash(input: string): Promise<string>;
  /** @throws DomainError `overloaded` when the queue is full. */
  compare(input: string, hash: string): Promise<boolean>;
  close(): Promise<void>;
};

/** Threads start with the first task and leave when there is nothing to do; one core stays for the event loop. */
export function createBcryptPool(cost: number): BcryptPool {
  const pool = new Piscina<BcryptTask, string | boolean>({
    filename: new URL('./bcrypt-worker.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: Math.max(1, availableParallelism() - 1),
    idleTimeout: IDLE_MS,
    maxQueue: MAX_WAITING,
  });

  async function run(task: BcryptTask): Promise<string | boolean> {
    if (pool.queueSize >= MAX_WAITING) {
      throw new DomainError({
        code: 'overloaded',
        detail: 'Too many keys are being hashed at the moment. Try again in a few seconds.',
        retryAfter: 5,
      });
    }
    return pool.run(task);
  }

  return {
    hash: async (input) => String(await run({ do: 'hash', input, cost })),
    compare: async (input, hash) => (await run({ do: 'compare', input, hash })) === true,
    close: () => pool.destroy(),
  };
}
