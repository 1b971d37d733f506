import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

/** Brings the database up to date without a start. */
export function addMigrate(program: Command, { env, output }: Context): void {
  program
    .command('migrate')
    .description('bring the schema of the database up to date, as a start does')
    .addHelpText(
      'after',
      '\nIt reads the same environment variables as the service.\n\nExample:\n  KEYHEARTH_DATA_DIR=/var/lib/keyhearth keyhearth migrate',
    )
    .action(async () => {
      const { existsSync } = await import('node:fs');
      const { parseConfig } = await import('../../config.ts');
      const { displayName } = await import('../../db/location.ts');
      const { createLogger } = await import('../../lib/logger.ts');
      const { openStorage } = await import('../../storage.ts');
      const config = parseConfig(env);
      const { database } = config;
      // A start makes a database. A migration of one that is not there is a mistake in the settings.
      if (database.engine === 'sqlite' && !existsSync(database.path))
        throw new CommandError(
          `There is no database at ${database.path}; set KEYHEARTH_DATA_DIR or DATABASE_URL.`,
          EXIT.notFound,
        );
      const logger = createLogger('warn', { write: (line) => output.note(line.trimEnd()) });
      const storage = await openStorage(config, logger);
      await storage.close();
      const name = displayName(database);
      output.done(`The database is up to date: ${name}`, { database: name });
    });
}
