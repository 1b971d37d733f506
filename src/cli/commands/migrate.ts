import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { onDatabase } from '../without-service.ts';

/** Brings the database up to date without a start. */
export function addMigrate(program: Command, context: Context): void {
  onDatabase(program.command('migrate'))
    .description('bring the schema of the database up to date, as a start does')
    .addHelpText(
      'after',
      '\nIt reads the same environment variables as the service.\n\nExample:\n  KEYHEARTH_DATA_DIR=/var/lib/keyhearth keyhearth migrate',
    )
    .action(async () => {
      const { displayName } = await import('../../db/location.ts');
      const { offline } = await import('../offline.ts');
      const name = await offline(context, async ({ config }) => displayName(config.database));
      context.output.done(`The database is up to date: ${name}`, { database: name });
    });
}
