import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import { setLastUsed } from './store.ts';

const FLUSH_EVERY_MS = 5_000;
const ROWS_A_TRANSACTION = 500;

export type LastUsed = {
  /** Remembers a use; `at` in milliseconds since 1970. */
  note(keyId: number, at: number): void;
  /** Stops the timer and writes what is left. */
  close(): Promise<void>;
};

/**
 * Collects the times at which keys were used and writes them every five seconds: a write for each request would cost
 * a disk sync each. A crash loses at most those seconds; it is the one thing here that may be lost.
 */
export function createLastUsed(db: Db, onError: (error: unknown) => void): LastUsed {
  let pending = new Map<number, number>();
  let writing = Promise.resolve();

  async function write(): Promise<void> {
    const uses = [...pending];
    pending = new Map();
    try {
      while (uses.length > 0) {
        const batch = uses.slice(0, ROWS_A_TRANSACTION);
        await transaction(db, (tx) => setLastUsed(tx, batch));
        uses.splice(0, batch.length);
      }
    } catch (error) {
      for (const [id, at] of uses) pending.set(id, Math.max(at, pending.get(id) ?? 0));
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
    note: (keyId, at) => void pending.set(keyId, at),
    close: () => {
      clearInterval(timer);
      return flush();
    },
  };
}
