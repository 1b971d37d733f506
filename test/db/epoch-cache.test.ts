import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createEpochCache } from '../../src/db/epoch-cache.ts';

/** When every promise that is resolved by now has called what waits for it. */
const settled = () => setImmediate();

function cacheOf<Value extends {}>(max = 10) {
  const state = { epoch: 1 as number | undefined };
  return { state, cache: createEpochCache<Value>(() => state.epoch, max) };
}

test('a value is cached until the epoch changes', () => {
  const { state, cache } = cacheOf<string>();
  expect(cache.get('a')).toBeUndefined();
  cache.keep('a', 'first');
  expect(cache.get('a')).toBe('first');
  state.epoch = 2;
  expect(cache.get('a')).toBeUndefined();
  state.epoch = 1;
  expect(cache.get('a')).toBeUndefined();
});

test('false is cached, and undefined is not', async () => {
  const { cache } = cacheOf<boolean>();
  cache.get('a');
  cache.keep('a', false);
  cache.keep('b', undefined);
  cache.keep('c', Promise.resolve(false));
  cache.keep('d', Promise.resolve(undefined));
  await settled();
  expect(['a', 'b', 'c', 'd'].map((name) => cache.get(name))).toEqual([false, undefined, false, undefined]);
});

test('a value that was read before a commit is not cached, whether or not somebody asked meanwhile', async () => {
  for (const isAsked of [true, false]) {
    const { state, cache } = cacheOf<string>();
    cache.get('a');
    cache.keep('a', Promise.resolve('old'));
    state.epoch = 2;
    if (isAsked) cache.get('b');
    await settled();
    expect(cache.get('a')).toBeUndefined();
  }
});

test('a value is never cached for an epoch that began after its read', () => {
  const { state, cache } = cacheOf<string>();
  cache.get('a');
  state.epoch = 2;
  cache.keep('a', 'read in epoch 1');
  expect(cache.get('a')).toBeUndefined();
});

test('nothing is cached while the epoch is not known, and what was cached before is gone', async () => {
  const { state, cache } = cacheOf<string>();
  cache.get('a');
  cache.keep('a', 'known');
  state.epoch = undefined;
  expect(cache.get('a')).toBeUndefined();
  cache.keep('a', 'at once');
  cache.keep('a', Promise.resolve('later'));
  await settled();
  state.epoch = 1;
  expect(cache.get('a')).toBeUndefined();
});

test('a read that fails is not cached, and its rejection is handled', async () => {
  for (const epoch of [1, undefined]) {
    const { state, cache } = cacheOf<string>();
    state.epoch = epoch;
    cache.get('a');
    cache.keep('a', Promise.reject(new Error('away')));
    await settled();
    expect(cache.get('a')).toBeUndefined();
  }
});

test('the values that were used most recently stay', () => {
  const { cache } = cacheOf<string>(2);
  for (const name of ['a', 'b']) {
    cache.get(name);
    cache.keep(name, name);
  }
  cache.get('a');
  cache.keep('c', 'c');
  expect(['a', 'b', 'c'].map((name) => cache.get(name))).toEqual(['a', undefined, 'c']);
});
