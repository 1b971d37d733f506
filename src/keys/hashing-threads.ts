import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import type { BcryptTask } from './bcrypt-worker.ts';

const IDLE_MS = 30_000;

export type HashingThreads = {
  run(task: BcryptTask): Promise<string | number>;
  close(): Promise<void>;
};

/**
 * One thread always runs, in case the machine cannot start another one later. More threads start when there is work, and
 * end after it.
 * @param onError called when a thread cannot be started, or dies
 */
export function startHashingThreads(maxThreads: number, onError: (error: unknown) => void): HashingThreads {
  const pool = new Piscina<BcryptTask, string | number>({
    filename: new URL('./bcrypt-worker.ts', import.meta.url).href,
    name: 'run',
    minThreads: 1,
    maxThreads,
    idleTimeout: IDLE_MS,
  });
  const [first] = pool.threads;
  const loaded = first && Promise.race([once(first, 'message'), once(first, 'exit')]).catch(() => undefined);
  pool.on('error', onError);
  return {
    run: (task) => pool.run(task),
    async close() {
      // Node may abort the process when a thread is ended while it loads its module.
      first?.ref();
      await loaded;
      await pool.destroy();
    },
  };
}

/** All workers together leave one core to the threads that answer requests. */
export const hashingThreads = (workers: number) =>
  Math.max(1, Math.floor((availableParallelism() - 1) / workers));
