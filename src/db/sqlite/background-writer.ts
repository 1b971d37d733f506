import type { CompiledQuery } from 'kysely';
import { Piscina } from 'piscina';
import type { BackgroundWriter } from '../engine.ts';

const IDLE_MS = 30_000;

/**
 * A thread with a connection of its own. SQLite makes its caller wait for the disk and for other writers; on the event
 * loop every request would wait with it.
 * @param onError called when a thread could not be started, or died
 */
export function openBackgroundWriter(
  path: string,
  onError: (error: unknown) => void,
): BackgroundWriter & { close(): Promise<void> } {
  const pool = new Piscina<Pick<CompiledQuery, 'sql' | 'parameters'>, void>({
    filename: new URL('./background-writer-thread.ts', import.meta.url).href,
    workerData: path,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: IDLE_MS,
  });
  let running = new AbortController();
  pool.on('error', (error) => {
    onError(error);
    // The writes of a thread that could not be started would otherwise wait for ever.
    running.abort();
    running = new AbortController();
  });
  return {
    run: ({ sql, parameters }) => pool.run({ sql, parameters }, { signal: running.signal }),
    close: () => pool.destroy(),
  };
}
