import type { Context } from './context.ts';
import { CommandError, EXIT, usageError } from './exit-codes.ts';
import { visible } from './text.ts';

/** Asks a person before a change that is hard to undo. A script says `--yes`. */
export async function confirm({ input }: Context, question: string, yes: boolean | undefined): Promise<void> {
  if (yes) return;
  if (!input.isTerminal) throw usageError('Nobody can answer the question; repeat the command with --yes.');
  const answer = await input.ask(`${visible(question)} [y/N] `);
  if (answer === undefined) throw new CommandError('Interrupted. Nothing was changed.', EXIT.interrupted);
  if (!/^y(?:es)?$/i.test(answer.trim())) throw new CommandError('Nothing was changed.');
}
