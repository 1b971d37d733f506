import { openSync, readSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import type { CompiledQuery } from 'kysely';
import { BUSY_MS } from './busy.ts';

/** Reads that cannot wait for anything, for what every request asks. */
export type Reader = {
  /** Whether anybody, in this process or another, has committed anything since this was last asked. */
  hasChanged(): boolean;
  /** Makes of a query a function that finds its first row, with other parameters than it was made with if need be. */
  prepare<Row>(query: CompiledQuery<Row>): (parameters?: readonly unknown[]) => Row | undefined;
  close(): void;
};

/**
 * What the WAL index begins with: a counter of transactions, the size of the log, its salts and checksums. A commit is
 * visible to other connections from the moment when it is written, and not before (https://sqlite.org/walformat.html,
 * section 2.1). Whoever is told of a commit can only be told after that.
 */
const INDEX_HEADER_BYTES = 48;

/**
 * A second, read-only connection to a database that is open already: the first may be in the middle of a transaction
 * whose changes nobody should see yet.
 */
export function openReader(path: string): Reader {
  const sqlite = new SqliteDatabase(path, { readonly: true, timeout: BUSY_MS });
  // Makes SQLite attach to the WAL index, which from then on stays the same file.
  sqlite.pragma('data_version');
  // Never closed: that would drop the locks that SQLite holds on the file for this whole process (fcntl(2)).
  const index = openSync(`${path}-shm`, 'r');
  let seen = Buffer.alloc(INDEX_HEADER_BYTES);
  let current = Buffer.alloc(INDEX_HEADER_BYTES);
  return {
    /** `PRAGMA data_version` tells the same, in four times the time. */
    hasChanged() {
      readSync(index, current, 0, INDEX_HEADER_BYTES, 0);
      if (current.equals(seen)) return false;
      [seen, current] = [current, seen];
      return true;
    },
    prepare<Row>(query: CompiledQuery<Row>) {
      const statement = sqlite.prepare<unknown[], Row>(query.sql);
      return (parameters = query.parameters) => statement.get(...parameters);
    },
    close: () => void sqlite.close(),
  };
}
