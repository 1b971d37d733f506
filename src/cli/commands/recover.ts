import type { Command } from 'commander';
import { isVisible, MAX_LABEL_LENGTH } from '../../keys/label.ts';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { onDatabase } from '../without-service.ts';

/** Makes a managing key, for an operator when all of them are lost. */
export function addRecover(program: Command, context: Context): void {
  onDatabase(program.command('recover'))
    .description('print a new key that can do everything; works on the database, without a key')
    .option('--label <label>', 'the label of the new key', 'recovered')
    .option('--pepper', 'give the database a new pepper in place of a lost one; stop the service first')
    .option('--yes', 'do not ask; for --pepper')
    .addHelpText(
      'after',
      '\nIt reads the same environment variables as the service, which may run unless the pepper is lost.\n\nExample:\n  KEYHEARTH_DATA_DIR=/var/lib/keyhearth keyhearth recover',
    )
    .action(async ({ label: text, pepper, yes }: { label: string; pepper?: true; yes?: true }) => {
      if (pepper) return replacePepper(context, yes);
      const label = text.trim();
      if (label === '' || [...label].length > MAX_LABEL_LENGTH || !isVisible(label))
        throw usageError(`--label must be 1 to ${MAX_LABEL_LENGTH} visible characters.`);
      const { recoverKey } = await import('../recover-key.ts');
      const { key, rawKey } = await recoverKey(context, label);
      await context.output.secret(
        rawKey,
        { id: key.id, label: key.label, raw_key: rawKey },
        `Made key ${key.id}, which can do everything. Store it now: Keyhearth cannot show it again.`,
        `The key ${key.id} exists, and nobody has it. Run recover again, and delete the lost key with: keyhearth keys delete ${key.id}`,
      );
    });
}

async function replacePepper(context: Context, yes: boolean | undefined): Promise<void> {
  const question =
    'Have you stopped all processes of Keyhearth and copied the database? This ends all sessions and invitations, and removes all second factors. Give the database a new pepper?';
  await confirm(context, question, yes);
  const { recoverPepper } = await import('../recover-pepper.ts');
  const { pepper, keys, lostKeys, secondFactors, sessions, invitations } = await recoverPepper(context);
  context.output.done(
    `The database has a new pepper, from ${pepper}. Removed ${secondFactors} second factors, ${sessions} sessions and ${invitations} invitations. Start Keyhearth: each of the ${keys} keys is slow once, at its next use.`,
    { pepper, keys, lost_keys: lostKeys, second_factors: secondFactors, sessions, invitations },
  );
  if (lostKeys > 0)
    context.output.note(
      `${lostKeys} imported keys are lost and now inactive, because nobody had used them since the import. Make new keys, or import their file again. Before an import, remove from the file all keys that were deleted or rotated: Keyhearth no longer recognises these, and would make them valid again.`,
    );
}
