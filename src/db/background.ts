import type { CompiledQuery } from 'kysely';
import { Piscina } from 'piscina';

/** For writes that no request waits for, and that no request should wait behind. */
export type Background = {
  /** One statement, durable when the promise resolves. */
  run(query: CompiledQuery): Promise<void>;
  /** Finishes what was begun. */
  close(): Promise<void>;
};

const IDLE_MS = 30_000;

/**
 * A thread with a connection of its own. SQLite makes its caller wait for the disk and for other writers; on the event
 * loop every request would wait with it.
 * @param onError a thread that could not be started, or that died
 */
export function openBackground(path: string, onError: (error: unknown) => void): Background {
  const pool = new Piscina<Pick<CompiledQuery, 'sql' | 'parameters'>, void>({
    filename: new URL('./background-worker.ts', import.meta.url).href,
    workerData: path,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: IDLE_MS,
  });
  pool.on('error', onError);
  return {
    run: ({ sql, parameters }) => pool.run({ sql, parameters }),
    close: () => pool.close(),
  };
}
