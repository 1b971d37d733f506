import { errorCode } from '../lib/error-code.ts';
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
      : `The database cannot be used (${errorCode(error.cause) ?? failure.reason}).`;
  return new CommandError(`${sentence} ${next}`, EXIT.unavailable);
}

type Line = Readonly<{ msg: string; reason?: string; err?: Readonly<{ message?: string }> }>;

/** For what the service would log: each line becomes text for people. */
export function createNoteLogger(note: (text: string) => void): Logger {
  return createLogger('warn', {
    write(line) {
      const { msg, reason, err }: Line = JSON.parse(line);
      // An outage of the database, which is an error of the command already.
      if (reason !== undefined) return;
      note(err?.message === undefined ? msg : `${msg} (${err.message})`);
    },
  });
}
