import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import { addUses, type Uses } from './store.ts';

const FLUSH_EVERY_MS = 5_000;
/** Requests wait while a batch is written. */
const ROWS_A_TRANSACTION = 1_000;

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
export function createUseCounter(db: Db, onError: (error: unknown) => void): UseCounter {
  let pending = new Map<number, Uses>();
  let writing = Promise.resolve();

  function add(keyId: number, count: number, at: number): void {
    const uses = pending.get(keyId);
    if (uses) {
      uses.count += count;
      uses.lastUsedAt = Math.max(uses.lastUsedAt, at);
    } else pending.set(keyId, { count, lastUsedAt: at });
  }

  async function write(): Promise<void> {
    const uses = [...pending];
    pending = new Map();
    try {
      while (uses.length > 0) {
        const batch = uses.slice(0, ROWS_A_TRANSACTION);
        await transaction(db, (tx) => addUses(tx, batch));
        uses.splice(0, batch.length);
        await nextTurn();
      }
    } catch (error) {
      for (const [id, { count, lastUsedAt }] of uses) add(id, count, lastUsedAt);
      onError(error);
    }
  }

  function flush(): Promise<void> {
    writing = writing.then(write);
    return writing;
  }

  const timer = setInterval(() => {
    if (pending.size > 0) void flush();
  }, FLUSH_EVERY_MS);
  timer.unref();

  return {
    note: (keyId, at) => add(keyId, 1, at),
    close: () => {
      clearInterval(timer);
      return flush();
    },
  };
}
