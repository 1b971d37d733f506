import { assertOwner } from '../backup/backup.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../lib/logger.ts';
import { isMissing } from '../lib/private-files.ts';
import { openStorage, type Storage } from '../storage.ts';
import type { Context } from './context.ts';
import { asDatabaseError, createNoteLogger } from './database-errors.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { asCommandError } from './refused.ts';
import { serviceConfig } from './service-config.ts';

/** What a command works with that needs no service. It has the access of the service: the data directory and the pepper. */
export type Offline = { config: Config; logger: Logger; storage: Storage };

/**
 * Opens the database that the environment variables of the service name, and brings its schema up to date. A service may
 * run on it.
 * @throws CommandError when there is none, StartupError when it cannot be used
 */
export async function offline<T>(
  context: Pick<Context, 'env' | 'output'>,
  work: (offline: Offline) => Promise<T>,
): Promise<T> {
  const config = serviceConfig(context);
  const { database } = config;
  // A start makes a database. Here, one that is not there is a mistake in the settings.
  if (database.engine === 'sqlite' && isMissing(database.path))
    throw new CommandError(
      `There is no database at ${database.path}; set KEYHEARTH_DATA_DIR or DATABASE_URL.`,
      EXIT.notFound,
    );
  // A change of the owner would stop the service, which runs as another user.
  if (database.engine === 'sqlite') await asCommandError(async () => assertOwner(database.path));
  const logger = createNoteLogger(context.output.note);
  const storage = await openStorage(config, logger);
  try {
    return await work({ config, logger, storage });
  } catch (error) {
    throw asDatabaseError(error, 'Then run the command again.');
  } finally {
    await storage.close();
  }
}
