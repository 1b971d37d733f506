import type { Logger } from '../../lib/logger.ts';
import type { Engine, Notifier } from '../engine.ts';
import type { DatabaseMemory } from '../memory.ts';
import { createOutages } from '../outages.ts';
import { openBackgroundWriter } from './background-writer.ts';
import type { Condition } from './condition.ts';
import { openSqliteSide } from './copy-side.ts';
import { asStartupError, unavailable } from './failure.ts';
import { hasContent, openSqlite } from './open.ts';
import { openReader } from './reader.ts';
import { openSlowReader } from './slow-reader.ts';
import { isFileInUse } from './whole-file.ts';

/** Workers share their memory. Other processes on the file run only for a moment, like a command. */
const noOtherProcess: Notifier = { notify: () => undefined, subscribe: () => undefined };

/** One file. Threads and processes of one machine can share it. */
export function sqliteEngine(path: string, logger: Logger, memory: DatabaseMemory): Engine {
  const outages = createOutages(memory.outages, logger);
  let condition: Condition | undefined;
  return {
    name: path,
    hasContent: async () => hasContent(path),
    isInUse: async () => isFileInUse(path),
    async open() {
      const opened = await openSqlite(path, outages, memory.file);
      condition = opened.condition;
      return opened.db;
    },
    async startServices() {
      if (!condition) throw new Error('startServices before open');
      const { checkFiles, watch, close } = condition;
      const reader = openReader(path, condition);
      // The reader must open the file that was checked.
      checkFiles();
      const backgroundWriter = openBackgroundWriter(path, condition, (err) =>
        logger.error({ err }, 'the thread that writes key usage failed'),
      );
      const slowReader = openSlowReader(path, condition, (err) =>
        logger.error({ err }, 'the thread that searches keys failed'),
      );
      watch();
      return {
        reader,
        slowReader,
        backgroundWriter,
        directWriter: undefined,
        notifier: noOtherProcess,
        pool: undefined,
        assertHealthy() {
          checkFiles();
          if (outages.isOn('damaged')) throw unavailable('damaged');
          reader.readFromDisk();
        },
        async close() {
          close();
          await Promise.all([slowReader.close(), backgroundWriter.close()]);
          reader.close();
        },
      };
    },
    openForCopy: async () => openSqliteSide(path),
    asStartupError: (error) => asStartupError(error, path),
  };
}
