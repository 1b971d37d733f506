import type { BackgroundWriter } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import { KeyId } from '../lib/brand.ts';
import { type KeyUses, usesQuery } from './store.ts';

const FLUSH_EVERY_MS = 5_000;
/** The number of keys that one statement writes. Other writers wait for that statement. */
const KEYS_PER_STATEMENT = 1_000;
/** The number of uses that are recorded one after another before they are summed up. */
const MAX_RECORDS = 1_024;

export type UseCounter = {
  /** Records one use; `at` in milliseconds since 1970. */
  record(keyId: KeyId, at: number): void;
  /** Stops the timer and writes the uses that are not written yet. */
  close(): Promise<void>;
};

/**
 * Counts how often and when keys were used, and writes that every five seconds. A write for each request would wait for
 * the disk each time. A crash loses the uses of the last five seconds at most.
 */
export function createUseCounter(
  db: Db,
  writer: BackgroundWriter,
  onError: (error: unknown) => void,
): UseCounter {
  let pending = new Map<KeyId, KeyUses>();
  let writing = Promise.resolve();
  const recordedIds = new Float64Array(MAX_RECORDS);
  const recordedTimes = new Float64Array(MAX_RECORDS);
  let records = 0;

  /** One look-up among thousands of keys is slow. Many in a row are fast, because the map is then in the processor's cache. */
  function record(keyId: KeyId, at: number): void {
    recordedIds[records] = keyId;
    recordedTimes[records] = at;
    records++;
    if (records === MAX_RECORDS) sumUp();
  }

  function sumUp(): void {
    for (let i = 0; i < records; i++) add(KeyId(recordedIds[i] ?? 0), 1, recordedTimes[i] ?? 0);
    records = 0;
  }

  function add(id: KeyId, count: number, lastUsedAt: number): void {
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
        await writer.run(usesQuery(db, uses.slice(0, KEYS_PER_STATEMENT)));
        uses.splice(0, KEYS_PER_STATEMENT);
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
    if (records > 0 || pending.size > 0) void flush();
  }, FLUSH_EVERY_MS);
  timer.unref();

  return {
    record,
    close: () => {
      clearInterval(timer);
      return flush();
    },
  };
}
