import type { Command } from 'commander';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { asCommandError } from '../refused.ts';
import { table } from '../table.ts';
import { onDatabase } from '../without-service.ts';

/** Copies the database to a file, and puts such a copy back. */
export function addBackup(program: Command, context: Context): void {
  const { output } = context;

  onDatabase(program.command('backup <file>'))
    .description('write the SQLite database to a new file; the service may run')
    .addHelpText(
      'after',
      '\nIt reads the same environment variables as the service.\n\nExample:\n  keyhearth backup /mnt/backup/keyhearth-$(date +%F).db',
    )
    .action(async (file: string) => {
      const { serviceConfig } = await import('../service-config.ts');
      const { backUp } = await import('../../backup/backup.ts');
      const made = await asCommandError(() =>
        output.withProgress(
          (...watched) => backUp(serviceConfig(context), file, ...watched),
          'Interrupted. There is no backup.',
        ),
      );
      output.done(`The backup is complete and checked: ${made.file} (${made.bytes} bytes)`, {
        file: made.file,
        bytes: made.bytes,
        database_id: made.databaseId,
      });
    });

  onDatabase(program.command('restore <file>'))
    .description('put a backup in the place of the SQLite database; stop the service first')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nThe replaced database stays beside the new one. Keys that were revoked after the backup are valid again; the command lists them.\n\nExample:\n  keyhearth restore /mnt/backup/keyhearth-2026-01-31.db',
    )
    .action(async (file: string, { yes }: { yes?: boolean }) => {
      const { serviceConfig } = await import('../service-config.ts');
      const { restore } = await import('../../backup/restore.ts');
      const { systemClock } = await import('../../lib/clock.ts');
      const restored = await asCommandError(() =>
        output.withProgress(
          (_, interrupted) =>
            restore(serviceConfig(context), file, {
              ...{ clock: systemClock, interrupted },
              confirm: () => confirm(context, `Replace the database by ${file}?`, yes),
            }),
          'Interrupted. Nothing was changed.',
        ),
      );
      const { database, kept, replaced, revived } = restored;
      output.note(`Restored: ${database}`);
      if (kept !== null)
        output.note(`The replaced database is ${kept}. Delete it when you no longer need it.`);
      if (revived === null)
        output.note(
          `${replaced === 'unreadable' ? 'The replaced database cannot be read.' : 'There was no earlier state of this database to compare with.'} Revoke again all keys that were revoked after the backup.`,
        );
      else if (revived.length > 0)
        output.note('These keys were revoked after the backup, and are valid again. Revoke them again:');
      const columns = (['id', 'label', 'hint', 'why'] as const).map((name) => ({
        title: name.toUpperCase(),
        of: (key: NonNullable<typeof revived>[number]) => key[name],
      }));
      if (context.options().json || (revived?.length ?? 0) > 0)
        output.print(restored, (paint) => table(columns, revived ?? [], paint));
    });
}
