import type { Outages } from '../outages.ts';
import { outageOf, reasonOf, translateError, unavailable } from './failure.ts';
import { rememberFiles } from './files.ts';

const CHECK_EVERY_MS = 500;

/** The condition of the open database, for all connections of this thread. */
export type Condition = {
  /** From now on, checks the files twice a second, and logs outages. Before that, an error ends the start. */
  watch(): void;
  /** Uses the last check of any thread. @throws DomainError `database_unavailable` when a file is lost */
  assertInPlace(): void;
  /** Checks the files now, in about 20 µs. @throws the same */
  checkFiles(): void;
  /** Call it when a write succeeds. */
  written(): void;
  /** Translates an error of SQLite. Any other error stays as it is. */
  translate(error: unknown, isRead: boolean): unknown;
  close(): void;
};

/** Call it when SQLite has opened the database and its write-ahead log. */
export function createCondition(path: string, outages: Outages): Condition {
  const findLostFile = rememberFiles(path);
  let timer: NodeJS.Timeout | undefined;

  function lookForFiles(): void {
    const lost = findLostFile();
    if (lost === undefined) outages.end('file_lost');
    else outages.begin('file_lost', lost);
  }

  function assertInPlace(): void {
    if (outages.isOn('file_lost')) throw unavailable('file_lost');
  }

  function checkFiles(): void {
    lookForFiles();
    assertInPlace();
  }

  return {
    watch() {
      timer = setInterval(lookForFiles, CHECK_EVERY_MS);
      timer.unref();
    },
    assertInPlace,
    checkFiles,
    written() {
      outages.end('disk_full');
      outages.end('unwritable');
    },
    translate(error, isRead) {
      const outage = outageOf(error, isRead);
      if (timer && outage) outages.begin(outage, reasonOf(error));
      return translateError(error, isRead);
    },
    close: () => clearInterval(timer),
  };
}
