import { DomainError } from '../lib/failure.ts';
import { createLogger, type Logger } from '../lib/logger.ts';
import { CommandError, EXIT } from './exit-codes.ts';

/**
 * Says what to do about a database that cannot be used. Any other error stays as it is.
 * @param next what to do after that
 */
export function asDatabaseError(error: unknown, next: string): unknown {
  if (!(error instanceof DomainError)) return error;
  const { failure } = error;
  if (failure.code === 'database_busy')
    return new CommandError(`Another program keeps the database busy. ${next}`, EXIT.unavailable);
  if (failure.code !== 'database_unavailable') return error;
  const sentence =
    failure.reason === 'disk_full'
      ? 'The disk of the database is full. Free some space on it.'
      : `The database cannot be used (${failure.reason}).`;
  return new CommandError(`${sentence} ${next}`, EXIT.unavailable);
}

/** For what the service would log: each line becomes text for people. */
export const createNoteLogger = (note: (text: string) => void): Logger =>
  createLogger('warn', { write: (line) => note(textOf(JSON.parse(line))) });

type Line = Readonly<{ msg: string; reason?: string; err?: Readonly<{ message?: string }> }>;

function textOf({ msg, reason, err }: Line): string {
  const why = reason ?? err?.message;
  return why === undefined ? msg : `${msg} (${why})`;
}
