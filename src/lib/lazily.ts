import { LRUCache } from 'lru-cache';
import type { Clock } from './clock.ts';

/**
 * Makes a value when it is first asked for. An `LRUCache` takes memory for all its entries when it is made, and the caches
 * of a service that is never asked would take a fifth of its start.
 */
export function lazily<Value extends {}>(make: () => Value): () => Value {
  let value: Value | undefined;
  return () => {
    value ??= make();
    return value;
  };
}

/** Makes a cache at its first use. It has at most `max` entries, and each ends after `ttl` milliseconds of the clock. */
export const expiringCache = <Key extends {}, Value extends {}>(
  { monotonic }: Pick<Clock, 'monotonic'>,
  { max, ttl }: Readonly<{ max: number; ttl: number }>,
): (() => LRUCache<Key, Value>) =>
  lazily(() => new LRUCache<Key, Value>({ max, ttl, perf: { now: monotonic }, ttlResolution: 0 }));
