import { once } from 'node:events';
import { Piscina } from 'piscina';
import { DomainError } from '../lib/failure.ts';
import { createFairQueue } from '../lib/fair-queue.ts';
import type { BcryptTask } from './bcrypt-worker.ts';

/** Each task takes a quarter of a second. In a longer queue, a task waits for longer than its client does. */
const MAX_WAITING = 32;
const IDLE_MS = 30_000;

/** The client that waits for a task. Clients get the threads in turn, so none can keep all threads busy. */
type ForClient = { client: string | undefined };

export type BcryptPool = {
  /** @throws DomainError `overloaded` when the queue is full */
  hash(task: ForClient & { input: string }): Promise<string>;
  /**
   * The index of the hash that matches the input, or -1. All hashes are one task in the queue.
   * @throws DomainError `overloaded` when the queue is full
   */
  find(task: ForClient & { input: string; hashes: string[] }): Promise<number>;
  close(): Promise<void>;
};

type Waiting = {
  task: BcryptTask;
  resolve: (result: string | number | Promise<string | number>) => void;
  reject: (error: unknown) => void;
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
    name: 'run',
    minThreads: 1,
    maxThreads,
    idleTimeout: IDLE_MS,
  });
  const [first] = pool.threads;
  const loaded = first && Promise.race([once(first, 'message'), once(first, 'exit')]).catch(() => undefined);
  const waiting = createFairQueue<Waiting>(MAX_WAITING);
  let running = 0;

  pool.on('error', onError);

  function run(client: string | undefined, task: BcryptTask): Promise<string | number> {
    return new Promise((resolve, reject) => {
      waiting.push(client, { task, resolve, reject })?.reject(overloaded());
      startWaiting();
    });
  }

  function startWaiting(): void {
    while (running < maxThreads) {
      const next = waiting.shift();
      if (!next) return;
      running++;
      next.resolve(pool.run(next.task).finally(ended));
    }
  }

  function ended(): void {
    running--;
    startWaiting();
  }

  return {
    hash: async ({ client, input }) => String(await run(client, { do: 'hash', input, cost })),
    find: async ({ client, input, hashes }) => Number(await run(client, { do: 'find', input, hashes })),
    async close() {
      for (let next = waiting.shift(); next; next = waiting.shift()) next.reject(overloaded());
      // Node may abort the process when a thread is ended while it loads its module.
      first?.ref();
      await loaded;
      await pool.destroy();
    },
  };
}

const overloaded = () => new DomainError({ code: 'overloaded', reason: 'hashing', retryAfter: 5 });
