import { Piscina } from 'piscina';
import type { BackgroundWriter } from '../engine.ts';
import type { Failed, Statement } from './background-writer-thread.ts';
import type { Condition } from './condition.ts';

const IDLE_MS = 30_000;

/**
 * A thread with a connection of its own. SQLite makes its caller wait for the disk and for other writers. On the event
 * loop, every request would wait too.
 * @param onError called when a thread cannot be started, or dies
 */
export function openBackgroundWriter(
  path: string,
  condition: Pick<Condition, 'checkFiles' | 'written' | 'translate'>,
  onError: (error: unknown) => void,
): BackgroundWriter & { close(): Promise<void> } {
  const pool = new Piscina<Statement[], Failed | undefined>({
    filename: new URL('./background-writer-thread.ts', import.meta.url).href,
    workerData: path,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: IDLE_MS,
  });
  let running = new AbortController();
  pool.on('error', (error) => {
    onError(error);
    // Otherwise the writes of a thread that cannot be started would wait without end.
    running.abort();
    running = new AbortController();
  });
  return {
    async run(...queries) {
      // The thread opens the file each time it starts.
      condition.checkFiles();
      const statements = queries.map(({ sql, parameters }) => ({ sql, parameters }));
      const failed = await pool.run(statements, { signal: running.signal });
      if (failed) throw condition.translate(Object.assign(new Error(failed.message), failed), false);
      condition.written();
    },
    close: () => pool.destroy(),
  };
}
