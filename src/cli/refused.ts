import { type Reason, Refusal } from '../lib/refusal.ts';
import { CommandError, EXIT, type ExitCode } from './exit-codes.ts';

const CODES: Readonly<Record<Reason, ExitCode>> = {
  not_found: EXIT.notFound,
  conflict: EXIT.conflict,
  failed: EXIT.failed,
};

/** Runs work on a whole database. @throws CommandError in place of a Refusal */
export async function asCommandError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) throw new CommandError(error.message, CODES[error.reason]);
    throw error;
  }
}
