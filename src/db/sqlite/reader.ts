import SqliteDatabase from 'better-sqlite3';
import type { Reader } from '../engine.ts';
import type { Condition } from './condition.ts';
import { BUSY_MS } from './failure.ts';

/** A read from the disk is slow, and anybody can ask for the health of the service. */
const FROM_DISK_EVERY_MS = 1_000;

type SqliteReader = Reader & {
  /** Makes the next reads come from the disk, and not from memory, once a second at most. */
  readFromDisk(): void;
  close(): void;
};

/**
 * A second, read-only connection to an open database. The first connection may be in a transaction whose changes nobody
 * may see yet. Every read returns its result at once.
 *
 * All reads until the next return to the event loop share one check of the database: one epoch, and one read transaction
 * that is not older than the epoch. Otherwise SQLite takes its locks for each row, with four system calls. No request that
 * must see a newer state can arrive in that time.
 */
export function openReader(
  path: string,
  { assertInPlace, translate }: Pick<Condition, 'assertInPlace' | 'translate'>,
): SqliteReader {
  const sqlite = new SqliteDatabase(path, { readonly: true, timeout: BUSY_MS });
  // Changes when another connection commits, in any thread or process: https://sqlite.org/pragma.html#pragma_data_version
  const dataVersion = sqlite.prepare<[], number>('pragma data_version').pluck();
  const begin = sqlite.prepare('begin');
  // There is nothing to commit, and a commit would fail after a read of a damaged page.
  const rollback = sqlite.prepare('rollback');
  let epoch: number | undefined;
  let isChecked = false;
  let isReading = false;
  let fromDiskAt = 0;

  function check(): void {
    if (isChecked) return;
    assertInPlace();
    epoch = translating(() => dataVersion.get());
    isChecked = true;
    queueMicrotask(endTurn);
  }

  function endTurn(): void {
    isChecked = false;
    if (!isReading) return;
    isReading = false;
    // Closing the connection ends the transaction too, and so do some errors.
    if (sqlite.inTransaction) rollback.run();
  }

  function read<Result>(get: () => Result): Result {
    check();
    return translating(() => {
      if (!isReading) {
        begin.run();
        isReading = true;
      }
      return get();
    });
  }

  function translating<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw translate(error, true);
    }
  }

  return {
    epoch() {
      check();
      return epoch;
    },
    find(table, by, columns) {
      const names = [...new Set<string>([...columns, by])].map((column) => `"${column}"`).join(', ');
      // In place of a missing row, the next one is read. Otherwise a missing row would take half the time.
      const statement = sqlite.prepare<unknown[], Record<string, unknown>>(
        `select ${names} from "${table}" where "${by}" >= ? order by "${by}" limit 1`,
      );
      return (value) =>
        read(() => {
          const row = statement.get(value);
          return (row?.[by] === value ? row : undefined) as never;
        });
    },
    exists({ sql }) {
      const statement = sqlite.prepare(sql);
      return (...parameters) => read(() => statement.get(...parameters)) !== undefined;
    },
    readFromDisk() {
      if (performance.now() - fromDiskAt < FROM_DISK_EVERY_MS) return;
      fromDiskAt = performance.now();
      sqlite.pragma('shrink_memory');
    },
    close: () => void sqlite.close(),
  };
}
