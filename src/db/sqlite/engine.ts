import type { Logger } from '../../lib/logger.ts';
import type { Bulletin, Engine } from '../database.ts';
import { openBackground } from './background.ts';
import { asStartupError, hasContent, openSqlite } from './open.ts';
import { openReader } from './reader.ts';

/** Workers share the memory of what they would tell each other, and other processes are for moments, like a command. */
const nobodyElse: Bulletin = { announce: () => undefined, subscribe: () => undefined };

/** One file, which several threads and processes of one machine may share. */
export const sqliteEngine = (path: string, logger: Logger): Engine => ({
  name: path,
  hasContent: async () => hasContent(path),
  open: () => openSqlite(path),
  async equip() {
    const reader = openReader(path);
    const background = openBackground(path, (err) =>
      logger.error({ err }, 'the thread that writes uses of keys failed'),
    );
    return {
      reader,
      background,
      bulletin: nobodyElse,
      async close() {
        await background.close();
        reader.close();
      },
    };
  },
  asStartupError: (error) => asStartupError(error, path),
});
