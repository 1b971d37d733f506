import { LRUCache } from 'lru-cache';
import { lazily } from '../lib/lazily.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Reader } from './engine.ts';

/** Values that were read from the database, each valid for the epoch in which it was read. */
export type EpochCache<Value> = {
  /** Reads the epoch first, so the value is never older than the epoch. */
  get(name: string): Value | undefined;
  /**
   * Keeps what was read since the last `get`, unless something was committed meanwhile. A row that does not exist is
   * not kept, and neither is a read that fails.
   */
  keep(name: string, value: MaybePromise<Value | undefined>): void;
};

/** @param max the number of values that it keeps: the most recently used ones */
export function createEpochCache<Value extends {}>(
  readEpoch: Reader['epoch'],
  max: number,
): EpochCache<Value> {
  const cache = lazily(() => new LRUCache<string, Value>({ max }));
  let epoch: number | undefined;

  function currentEpoch(): number | undefined {
    const now = readEpoch();
    if (now !== epoch) {
      cache().clear();
      epoch = now;
    }
    return now;
  }

  return {
    get(name) {
      return currentEpoch() === undefined ? undefined : cache().get(name);
    },
    keep(name, value) {
      const asOf = epoch;
      if (!(value instanceof Promise)) {
        if (asOf !== undefined && value !== undefined) cache().set(name, value);
        return;
      }
      const keepLater = (known: Value | undefined) => {
        if (asOf !== undefined && known !== undefined && currentEpoch() === asOf) cache().set(name, known);
      };
      // Without an epoch, too: a rejection that nobody handles ends the process.
      void value.then(keepLater).catch(() => undefined);
    },
  };
}
