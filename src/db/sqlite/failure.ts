import { errorCode } from '../../lib/error-code.ts';
import { DomainError } from '../../lib/failure.ts';
import { StartupError } from '../../lib/startup-error.ts';
import { DatabaseBusyError } from '../busy.ts';

/** Every millisecond of waiting inside SQLite stalls all requests of its thread. */
export const BUSY_MS = 5;

/** SQLite's own errors in the words of the service. Any other error stays as it is. */
export function translateError(error: unknown, isRead = false): unknown {
  const code = errorCode(error) ?? '';
  if (code.startsWith('SQLITE_BUSY')) return new DatabaseBusyError({ cause: error });
  // A full disk, a file system that turned read-only, a disk that fails.
  if (/^SQLITE_(FULL|READONLY|IOERR)/.test(code)) {
    return new DomainError(
      { code: 'database_unavailable', reason: isRead ? 'unreadable' : 'unwritable', retryAfter: 30 },
      { cause: error, isExpected: false },
    );
  }
  return error;
}

export const damagedDatabase = (path: string) =>
  new StartupError(`${path} is damaged or not an SQLite database; restore it from a backup.`);

/** An error that came up while opening, as a sentence for the operator. Any other error stays as it is. */
export function asStartupError(error: unknown, path: string): unknown {
  if (error instanceof DatabaseBusyError || isFailure(error, 'database_busy')) {
    return new StartupError(`${path} is locked by another program; stop that program and start again.`);
  }
  const code = errorCode(isFailure(error, 'database_unavailable') ? error.cause : error) ?? '';
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) return damagedDatabase(path);
  if (code === 'SQLITE_FULL')
    return new StartupError(`The disk of ${path} is full; make room and start again.`);
  if (/^SQLITE_(READONLY|CANTOPEN|IOERR)/.test(code)) {
    return new StartupError(
      `${path} cannot be written (${code}); check the permissions of the file and its directory.`,
    );
  }
  return error;
}

const isFailure = (error: unknown, code: string): error is DomainError =>
  error instanceof DomainError && error.failure.code === code;
