import type { CompiledQuery } from 'kysely';
import { Piscina } from 'piscina';
import { DomainError } from '../../lib/failure.ts';
import type { SlowReader } from '../engine.ts';
import type { Failed } from './background-writer-thread.ts';
import type { Condition } from './condition.ts';

const IDLE_MS = 30_000;
/** They wait for a few seconds at most. */
const MAX_WAITING = 16;

/**
 * A thread with a read-only connection of its own. SQLite makes its caller wait for the result, and on the event loop
 * every request would wait too.
 * @param onError called when a thread cannot be started, or dies
 */
export function openSlowReader(
  path: string,
  condition: Pick<Condition, 'checkFiles' | 'translate'>,
  onError: (error: unknown) => void,
): SlowReader & { close(): Promise<void> } {
  const pool = new Piscina<Pick<CompiledQuery, 'sql' | 'parameters'>, { rows: unknown[] } | Failed>({
    filename: new URL('./slow-reader-thread.ts', import.meta.url).href,
    workerData: path,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: IDLE_MS,
  });
  let running = new AbortController();
  pool.on('error', (error) => {
    onError(error);
    // Otherwise the reads of a thread that cannot be started would wait without end.
    running.abort();
    running = new AbortController();
  });
  return {
    async all<Row>({ sql, parameters }: CompiledQuery<Row>) {
      // The thread opens the file each time it starts.
      condition.checkFiles();
      if (pool.queueSize >= MAX_WAITING)
        throw new DomainError({ code: 'database_busy', reason: 'connections', retryAfter: 1 });
      const result = await pool.run({ sql, parameters }, { signal: running.signal });
      if ('rows' in result) return result.rows as Row[];
      throw condition.translate(Object.assign(new Error(result.message), result), true);
    },
    close: () => pool.destroy(),
  };
}
