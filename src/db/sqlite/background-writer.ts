import type { BackgroundWriter } from '../engine.ts';
import type { Failed, Statement } from './background-writer-thread.ts';
import type { Condition } from './condition.ts';
import { openSideThread } from './side-thread.ts';

/**
 * A thread with a connection of its own.
 * @param onError called when a thread cannot be started, or dies
 */
export function openBackgroundWriter(
  path: string,
  condition: Pick<Condition, 'checkFiles' | 'written' | 'translate'>,
  onError: (error: unknown) => void,
): BackgroundWriter & { close(): Promise<void> } {
  const thread = openSideThread<Statement[], Failed | undefined>(
    new URL('./background-writer-thread.ts', import.meta.url),
    path,
    onError,
  );
  return {
    async run(...queries) {
      // The thread opens the file each time it starts.
      condition.checkFiles();
      const statements = queries.map(({ sql, parameters }) => ({ sql, parameters }));
      const failed = await thread.run(statements);
      if (failed) throw condition.translate(Object.assign(new Error(failed.message), failed), false);
      condition.written();
    },
    close: thread.close,
  };
}
