import type { Command } from 'commander';
import { isVisible, MAX_LABEL_LENGTH } from '../../keys/label.ts';
import type { Context } from '../context.ts';
import { usageError } from '../exit-codes.ts';

/** Gives a managing key to an operator who has lost all of them. */
export function addRecover(program: Command, context: Context): void {
  program
    .command('recover')
    .description('print a new key that can do everything; works on the database, without a key')
    .option('--label <label>', 'the label of the new key', 'recovered')
    .addHelpText(
      'after',
      '\nIt reads the same environment variables as the service, which may run.\n\nExample:\n  KEYHEARTH_DATA_DIR=/var/lib/keyhearth keyhearth recover',
    )
    .action(async ({ label: text }: { label: string }) => {
      const label = text.trim();
      if (label === '' || [...label].length > MAX_LABEL_LENGTH || !isVisible(label))
        throw usageError(`--label must be 1 to ${MAX_LABEL_LENGTH} visible characters.`);
      const { recoverKey } = await import('../recover-key.ts');
      const { key, rawKey } = await recoverKey(context, label);
      context.output.secret(
        rawKey,
        { id: key.id, label: key.label, raw_key: rawKey },
        `Made key ${key.id}, which can do everything. Store it now: Keyhearth cannot show it again.`,
      );
    });
}
