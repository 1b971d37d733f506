import type { Background } from '../db/database.ts';
import type { Db } from '../db/tables.ts';
import { type KeyUses, usesQuery } from './store.ts';

const FLUSH_EVERY_MS = 5_000;
/** What one statement writes; other writers wait for it. */
const KEYS_A_STATEMENT = 1_000;
/** Uses that are noted in turn before they are summed up. */
const NOTES = 1_024;

export type UseCounter = {
  /** Counts one use; `at` in milliseconds since 1970. */
  note(keyId: number, at: number): void;
  /** Stops the timer and writes what is left. */
  close(): Promise<void>;
};

/**
 * Counts how often and when keys were used, and writes that every five seconds: a write for each request would cost
 * a disk sync each. A crash loses at most those seconds; it is the one thing here that may be lost.
 */
export function createUseCounter(
  db: Db,
  background: Background,
  onError: (error: unknown) => void,
): UseCounter {
  let pending = new Map<number, KeyUses>();
  let writing = Promise.resolve();
  const notedIds = new Float64Array(NOTES);
  const notedTimes = new Float64Array(NOTES);
  let notes = 0;

  /** To find the sum of one key among thousands is slow while its request waits, and fast for many after each other. */
  function note(keyId: number, at: number): void {
    notedIds[notes] = keyId;
    notedTimes[notes] = at;
    notes++;
    if (notes === NOTES) sumUp();
  }

  function sumUp(): void {
    for (let i = 0; i < notes; i++) add(notedIds[i] ?? 0, 1, notedTimes[i] ?? 0);
    notes = 0;
  }

  function add(id: number, count: number, lastUsedAt: number): void {
    const uses = pending.get(id);
    if (uses) {
      uses.count += count;
      uses.lastUsedAt = Math.max(uses.lastUsedAt, lastUsedAt);
    } else pending.set(id, { id, count, lastUsedAt });
  }

  async function write(): Promise<void> {
    sumUp();
    const uses = [...pending.values()];
    pending = new Map();
    try {
      while (uses.length > 0) {
        await background.run(usesQuery(db, uses.slice(0, KEYS_A_STATEMENT)));
        uses.splice(0, KEYS_A_STATEMENT);
      }
    } catch (error) {
      for (const { id, count, lastUsedAt } of uses) add(id, count, lastUsedAt);
      onError(error);
    }
  }

  function flush(): Promise<void> {
    writing = writing.then(write);
    return writing;
  }

  const timer = setInterval(() => {
    if (notes > 0 || pending.size > 0) void flush();
  }, FLUSH_EVERY_MS);
  timer.unref();

  return {
    note,
    close: () => {
      clearInterval(timer);
      return flush();
    },
  };
}
