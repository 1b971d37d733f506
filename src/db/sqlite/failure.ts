import { errorCode } from '../../lib/error-code.ts';
import { DomainError } from '../../lib/failure.ts';
import { diskFull, StartupError } from '../../lib/startup-error.ts';
import { DatabaseBusyError } from '../busy.ts';
import type { Outage } from '../outages.ts';

/** While SQLite waits, all requests of the thread wait too. */
export const BUSY_MS = 5;

const RETRY_AFTER_S = 30;

/** When somebody moves the file back or restarts the service, it serves within seconds. */
const RETRY_LOST_FILE_AFTER_S = 5;

/** Why SQLite failed, for the log. */
export const reasonOf = (error: unknown) =>
  error instanceof Error ? `${errorCode(error) ?? error.name}: ${error.message}` : String(error);

/** The outage that an error of SQLite shows, or undefined. */
export function outageOf(error: unknown, isRead: boolean): Outage | undefined {
  const code = errorCode(error) ?? '';
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return 'damaged';
  // The tables existed when the service started.
  if (code === 'SQLITE_ERROR' && error instanceof Error && error.message.startsWith('no such table'))
    return 'damaged';
  // There is no room for the database, or for the `-shm` file beside it.
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE') return 'disk_full';
  // The file system is read-only, the disk fails, or the process has no descriptors or memory left.
  if (/^SQLITE_(READONLY|IOERR|CANTOPEN|PERM|PROTOCOL|NOMEM)/.test(code))
    return isRead ? 'unreadable' : 'unwritable';
  return undefined;
}

export const unavailable = (reason: Outage, cause?: unknown) =>
  new DomainError(
    {
      code: 'database_unavailable',
      reason,
      retryAfter: reason === 'file_lost' ? RETRY_LOST_FILE_AFTER_S : RETRY_AFTER_S,
    },
    { cause },
  );

/** Translates an error of SQLite. Any other error stays as it is. */
export function translateError(error: unknown, isRead: boolean): unknown {
  if (errorCode(error)?.startsWith('SQLITE_BUSY')) return new DatabaseBusyError({ cause: error });
  const outage = outageOf(error, isRead);
  return outage === undefined ? error : unavailable(outage, error);
}

export const damagedDatabase = (path: string) =>
  new StartupError(`${path} is damaged or not an SQLite database; restore it from a backup.`);

/** The path names another file than the one that was opened first. */
export const lostFile = (path: string) =>
  new StartupError(
    `${path} was removed or replaced since the service was started; stop the service, restore the file and start again.`,
  );

/** Makes a sentence for the operator of an error at the start. Any other error stays as it is. */
export function asStartupError(error: unknown, path: string): unknown {
  const translated = translateError(error, false);
  if (!(translated instanceof DomainError)) return error;
  const { failure, cause } = translated;
  if (failure.code === 'database_busy') {
    return new StartupError(`${path} is locked by another program; stop that program and start again.`);
  }
  if (failure.code !== 'database_unavailable') return error;
  switch (failure.reason) {
    case 'damaged':
      return damagedDatabase(path);
    case 'disk_full':
      return diskFull(path);
    case 'file_lost':
      return lostFile(path);
    default:
      return new StartupError(
        `${path} cannot be written (${errorCode(cause)}); check the permissions of the file and its directory, and that the disk has room for more files.`,
      );
  }
}
