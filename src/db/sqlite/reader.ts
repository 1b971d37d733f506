import { openSync, readSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import { BUSY_MS } from '../busy.ts';
import type { FingerprintSelection, Reader } from '../database.ts';

/**
 * What the WAL index begins with: a counter of transactions, the size of the log, its salts and checksums. A commit is
 * visible to other connections from the moment when it is written, and not before (https://sqlite.org/walformat.html,
 * section 2.1). Whoever is told of a commit can only be told after that.
 */
const INDEX_HEADER_BYTES = 48;

/**
 * A second, read-only connection to a database that is open already: the first may be in the middle of a transaction
 * whose changes nobody should see yet. It answers at once.
 *
 * What is asked until the code that runs now returns to the event loop is one look at the database: one epoch, and then
 * one read transaction, so it is never older than its epoch says. Each would otherwise take the locks of SQLite anew, four
 * system calls for a row. Nothing that has to be newer can have come in meanwhile.
 */
export function openReader(path: string): Reader & { close(): void } {
  const sqlite = new SqliteDatabase(path, { readonly: true, timeout: BUSY_MS });
  // Makes SQLite attach to the WAL index, which from then on stays the same file.
  sqlite.pragma('data_version');
  // Never closed: that would drop the locks that SQLite holds on the file for this whole process (fcntl(2)).
  const index = openSync(`${path}-shm`, 'r');
  const begin = sqlite.prepare('begin');
  // There is nothing to commit, and a commit fails where a damaged page was met.
  const rollback = sqlite.prepare('rollback');
  let seen = Buffer.alloc(INDEX_HEADER_BYTES);
  let current = Buffer.alloc(INDEX_HEADER_BYTES);
  let epoch = 0;
  let isLooking = false;
  let isReading = false;

  function look(): void {
    if (isLooking) return;
    // `PRAGMA data_version` tells the same, in four times the time.
    readSync(index, current, 0, INDEX_HEADER_BYTES, 0);
    if (!current.equals(seen)) {
      [seen, current] = [current, seen];
      epoch++;
    }
    isLooking = true;
    queueMicrotask(lookAway);
  }

  function lookAway(): void {
    isLooking = false;
    if (!isReading) return;
    isReading = false;
    // To close the connection ends it too, and so do some errors.
    if (sqlite.inTransaction) rollback.run();
  }

  function read<Row>(get: () => Row): Row {
    look();
    if (!isReading) {
      begin.run();
      isReading = true;
    }
    return get();
  }

  return {
    epoch() {
      look();
      return epoch;
    },
    byFingerprint<Row extends { fingerprint: string | null }>(selection: FingerprintSelection<Row>) {
      const { sql } = selection.where('fingerprint', '=', '').compile();
      const statement = sqlite.prepare<[string], Row>(sql);
      return (fingerprint: string) => read(() => statement.get(fingerprint));
    },
    exists({ sql }) {
      const statement = sqlite.prepare(sql);
      return () => read(() => statement.get()) !== undefined;
    },
    close: () => void sqlite.close(),
  };
}
