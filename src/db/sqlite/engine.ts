import type { Logger } from '../../lib/logger.ts';
import type { Engine, Notifier } from '../engine.ts';
import { openBackgroundWriter } from './background-writer.ts';
import { asStartupError } from './failure.ts';
import { hasContent, openSqlite } from './open.ts';
import { openReader } from './reader.ts';

/** Workers share their memory, and other processes on the file live for moments only, like a command. */
const noOtherProcess: Notifier = { notify: () => undefined, subscribe: () => undefined };

/** One file, which several threads and processes of one machine may share. */
export const sqliteEngine = (path: string, logger: Logger): Engine => ({
  name: path,
  hasContent: async () => hasContent(path),
  open: () => openSqlite(path),
  async startServices() {
    const reader = openReader(path);
    const backgroundWriter = openBackgroundWriter(path, (err) =>
      logger.error({ err }, 'the thread that writes key usage failed'),
    );
    return {
      reader,
      backgroundWriter,
      notifier: noOtherProcess,
      async close() {
        await backgroundWriter.close();
        reader.close();
      },
    };
  },
  asStartupError: (error) => asStartupError(error, path),
});
