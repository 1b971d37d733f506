import { DomainError } from '../lib/failure.ts';
import { createFairQueue } from '../lib/fair-queue.ts';
import type { BcryptTask } from './bcrypt-worker.ts';
import { startHashingThreads } from './hashing-threads.ts';

/** Each task takes a quarter of a second. In a longer queue, a task waits for longer than its client does. */
const MAX_WAITING = 32;

/**
 * The client that waits for a task. Clients get the threads in turn, so none can keep all threads busy. Anybody can cause
 * a task for a password, from many addresses. So these have a queue of their own, and the two queues get the threads in
 * turn.
 */
type ForClient = { client: string | undefined; isPassword?: boolean };

export type BcryptPool = {
  /** The cost of new hashes. */
  cost: number;
  /** @throws DomainError `overloaded` when the queue is full */
  hash(task: ForClient & { input: string }): Promise<string>;
  /**
   * The index of the hash that matches the input, or -1. All hashes are one task in the queue.
   * @throws DomainError `overloaded` when the queue is full
   */
  find(task: ForClient & { input: string; hashes: string[] }): Promise<number>;
  /** How many tasks run, and how many wait. */
  load(): Readonly<{ running: number; waiting: number }>;
  close(): Promise<void>;
};

type Waiting = {
  task: BcryptTask;
  resolve: (result: string | number | Promise<string | number>) => void;
  reject: (error: unknown) => void;
};

/**
 * Hashes and compares in worker threads.
 * @param onError called when a thread cannot be started, or dies
 */
export function createBcryptPool(
  cost: number,
  maxThreads: number,
  onError: (error: unknown) => void,
  startThreads = startHashingThreads,
): BcryptPool {
  const threads = startThreads(maxThreads, onError);
  const queueOfKeys = createFairQueue<Waiting>(MAX_WAITING);
  const queueOfPasswords = createFairQueue<Waiting>(MAX_WAITING);
  let running = 0;
  let isTurnOfPasswords = false;

  function run({ client, isPassword }: ForClient, task: BcryptTask): Promise<string | number> {
    return new Promise((resolve, reject) => {
      const waiting = isPassword ? queueOfPasswords : queueOfKeys;
      waiting.push(client, { task, resolve, reject })?.reject(overloaded());
      startWaiting();
    });
  }

  function takeNext(): Waiting | undefined {
    isTurnOfPasswords = !isTurnOfPasswords;
    const [first, second] = isTurnOfPasswords
      ? [queueOfPasswords, queueOfKeys]
      : [queueOfKeys, queueOfPasswords];
    return first.shift() ?? second.shift();
  }

  function startWaiting(): void {
    while (running < maxThreads) {
      const next = takeNext();
      if (!next) return;
      running++;
      next.resolve(threads.run(next.task).finally(ended));
    }
  }

  function ended(): void {
    running--;
    startWaiting();
  }

  return {
    cost,
    hash: async ({ input, ...waiter }) => String(await run(waiter, { do: 'hash', input, cost })),
    find: async ({ input, hashes, ...waiter }) => Number(await run(waiter, { do: 'find', input, hashes })),
    load: () => ({ running, waiting: queueOfKeys.size() + queueOfPasswords.size() }),
    async close() {
      for (let next = takeNext(); next; next = takeNext()) next.reject(overloaded());
      await threads.close();
    },
  };
}

const overloaded = () => new DomainError({ code: 'overloaded', reason: 'hashing', retryAfter: 5 });
