import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { KeyId } from '../../src/lib/brand.ts';
import {
  allocateConcurrency,
  openConcurrency,
  type Release,
  releaseConcurrency,
} from '../../src/limits/concurrency.ts';

const KEY = KeyId(7);
const OTHER = KeyId(2 ** 40 + 7);

/** Two workers, as if each were a thread. */
function twoWorkers(places?: number) {
  const memory = allocateConcurrency(2, places);
  return { memory, one: openConcurrency(memory, 11), two: openConcurrency(memory, 12) };
}

describe('what a key has open', () => {
  test('is counted over all workers', () => {
    const { one, two } = twoWorkers();
    expect([one.acquire(KEY, 3), two.acquire(KEY, 3), two.acquire(KEY, 3)].every(Boolean)).toBe(true);
    expect([one.acquire(KEY, 3), two.acquire(KEY, 3)]).toEqual([undefined, undefined]);
    expect(one.acquire(OTHER, 1)).toBeDefined();
  });

  test('is less by one when one ends, however often its end is said', () => {
    const { one, two } = twoWorkers();
    const [first] = [one.acquire(KEY, 2), two.acquire(KEY, 2)];
    first?.();
    first?.();
    expect(two.acquire(KEY, 2)).toBeDefined();
    expect(two.acquire(KEY, 2)).toBeUndefined();
  });

  test('is not limited without a limit, and not counted', () => {
    const { one } = twoWorkers();
    for (let i = 0; i < 10; i++) one.acquire(KEY, null)?.();
    expect(one.acquire(KEY, null)).toBeDefined();
    expect(one.acquire(KEY, 1)).toBeDefined();
  });

  test('stays when the limit becomes lower', () => {
    const { one } = twoWorkers();
    const open = [one.acquire(KEY, 3), one.acquire(KEY, 3), one.acquire(KEY, 3)];
    expect(one.acquire(KEY, 2)).toBeUndefined();
    open[0]?.();
    expect(one.acquire(KEY, 2)).toBeUndefined();
    open[1]?.();
    expect(one.acquire(KEY, 2)).toBeDefined();
  });
});

describe('a thread that ended', () => {
  test('has nothing open any more, and the others keep theirs', () => {
    const { memory, one, two } = twoWorkers();
    for (let i = 0; i < 3; i++) one.acquire(KEY, 5);
    two.acquire(KEY, 5);
    one.acquire(OTHER, 1);
    releaseConcurrency(memory, 11);
    const open = Array.from({ length: 6 }, () => two.acquire(KEY, 5)).filter(Boolean);
    expect(open).toHaveLength(4);
    expect(two.acquire(OTHER, 1)).toBeDefined();
  });

  test('leaves its place to the next one', () => {
    const { memory } = twoWorkers();
    expect(() => openConcurrency(memory, 13)).toThrow(RangeError);
    releaseConcurrency(memory, 11);
    expect(openConcurrency(memory, 13).acquire(KEY, 1)).toBeDefined();
    releaseConcurrency(memory, 99);
    expect(openConcurrency(memory, 12).acquire(KEY, 1)).toBeUndefined();
  });

  test('does not keep the others out when it held the lock', () => {
    const { memory, two } = twoWorkers();
    new Int32Array(memory.buffer)[(memory.places * 8) / 4] = 11 + 1;
    releaseConcurrency(memory, 11);
    expect(two.acquire(KEY, 1)).toBeDefined();
  });
});

test('a key without a place is refused, and gets one when another key has ended', () => {
  const { one } = twoWorkers(16);
  const open = Array.from({ length: 16 }, (_, i) => one.acquire(KeyId(i + 1), 9)) as Release[];
  expect(open.every(Boolean)).toBe(true);
  expect(one.acquire(KeyId(17), 9)).toBeUndefined();
  expect(one.acquire(KeyId(16), 9)).toBeDefined();
  open[3]?.();
  expect(one.acquire(KeyId(17), 9)).toBeDefined();
});

test('four threads never have more open than the limit, and leave nothing open', async () => {
  const memory = allocateConcurrency(5);
  const open = new Int32Array(new SharedArrayBuffer(3 * 4));
  const file = new URL('./concurrency-thread.ts', import.meta.url);
  const workers = Array.from(
    { length: 4 },
    () => new Worker(file, { workerData: { memory, rounds: 30_000, limit: 2, open } }),
  );
  const results = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
  expect(results.map(({ tooMany }) => tooMany)).toEqual([0, 0, 0, 0]);
  const own = openConcurrency(memory);
  for (let key = 1; key <= open.length; key++)
    expect([1, 2, 3].map(() => own.acquire(KeyId(key), 2) !== undefined)).toEqual([true, true, false]);
});
