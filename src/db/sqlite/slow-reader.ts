import type { CompiledQuery } from 'kysely';
import { DomainError } from '../../lib/failure.ts';
import { createTurns } from '../../lib/turns.ts';
import type { SlowReader } from '../engine.ts';
import type { Failed } from './background-writer-thread.ts';
import type { Condition } from './condition.ts';
import { openSideThread } from './side-thread.ts';

/** They wait for a few seconds at most. */
const MAX_WAITING = 16;

/**
 * A thread with a read-only connection of its own.
 * @param onError called when a thread cannot be started, or dies
 */
export function openSlowReader(
  path: string,
  condition: Pick<Condition, 'checkFiles' | 'translate'>,
  onError: (error: unknown) => void,
): SlowReader & { close(): Promise<void> } {
  const thread = openSideThread<Pick<CompiledQuery, 'sql' | 'parameters'>, { rows: unknown[] } | Failed>(
    new URL('./slow-reader-thread.ts', import.meta.url),
    path,
    onError,
  );
  const takeTurn = createTurns(
    MAX_WAITING,
    () => new DomainError({ code: 'database_busy', reason: 'connections', retryAfter: 1 }),
  );

  async function read<Row>({ sql, parameters }: CompiledQuery<Row>): Promise<Row[]> {
    // The thread opens the file each time it starts.
    condition.checkFiles();
    const result = await thread.run({ sql, parameters });
    if ('rows' in result) return result.rows as Row[];
    throw condition.translate(Object.assign(new Error(result.message), result), true);
  }

  return { all: (query, client) => takeTurn(client, () => read(query)), close: thread.close };
}
