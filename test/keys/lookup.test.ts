import { createSecretKey } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Reader } from '../../src/db/engine.ts';
import { fingerprinter } from '../../src/keys/digests.ts';
import { createKeyLookup } from '../../src/keys/lookup.ts';
import type { PepperMove } from '../../src/keys/pepper-move.ts';
import { RawKey } from '../../src/lib/brand.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { noDatabase } from '../support/no-database.ts';

const RAW_KEY = RawKey('a-key-of-this-test-0123456789-0123456789');

const fingerprintOf = fingerprinter(createSecretKey(Buffer.alloc(32)));
const fingerprint = fingerprintOf(RAW_KEY);

const row = (is_active: number) => ({
  id: 1,
  label: '',
  hint: '',
  is_active,
  created_at: 0,
  last_used_at: null,
  use_count: 0,
  owner: '',
  prefix: null,
  scopes: '*',
  expires_at: null,
  is_expired: 0,
  allowed_ips: '',
  rate_limits: '[]',
  metadata: '{}',
  source: 'created',
  rotated_from: null,
  rotated_to: null,
  root_id: null,
});

function lookUpWith(reader: Partial<Record<keyof Reader, unknown>>, pepperMove?: PepperMove) {
  const proveByHash = async () => ({ state: 'refused' as const });
  const parts = { db: noDatabase, reader: reader as Reader, fingerprintOf, proveByHash, clock: systemClock };
  const { lookUp } = createKeyLookup({ ...parts, pepperMove });
  return (rawKey: RawKey) => lookUp(rawKey, undefined);
}

/** A database that answers a read when the test says so, with the state that the read found. */
function slowDatabase() {
  const state = { epoch: 1 as number | undefined, isActive: 1 };
  const reads: (() => void)[] = [];
  const lookUp = lookUpWith({
    epoch: () => state.epoch,
    find: () => () => {
      const found = row(state.isActive);
      return new Promise((resolve) => reads.push(() => resolve(found)));
    },
    exists: () => async () => true,
  });
  const ask = async () => (await lookUp(RAW_KEY)).code;
  return { state, reads, ask };
}

/** A database that answers at once. */
function fastDatabase() {
  const state = { epoch: 1, hasKey: true, isActive: 1, reads: 0, hasKeyWithoutFingerprint: true };
  const lookUp = lookUpWith({
    epoch: () => state.epoch,
    find: () => (asked: string) => {
      if (asked !== fingerprint) return undefined;
      state.reads++;
      return state.hasKey ? row(state.isActive) : undefined;
    },
    exists:
      ({ sql }: { sql: string }) =>
      () =>
        sql.includes('fingerprint') ? state.hasKeyWithoutFingerprint : true,
  });
  return { state, lookUp };
}

test('a key that was read in an epoch is not read again while the epoch lasts', async () => {
  const { reads, ask } = slowDatabase();
  const first = ask();
  reads[0]?.();
  expect(await first).toBe('VALID');
  expect(await ask()).toBe('VALID');
  expect(reads).toHaveLength(1);
});

test('a guesser cannot push out what others use', () => {
  const { state, lookUp } = fastDatabase();
  lookUp(RAW_KEY);
  for (let guess = 0; guess < 20_000; guess++) lookUp(RawKey(`a-guess-${guess}`.padEnd(40, '-')));
  lookUp(RAW_KEY);
  expect(state.reads).toBe(1);
});

test.each([
  ['every key has its fingerprint', false, 'NOT_FOUND'],
  ['only bcrypt can tell', true, 'UNPROVEN'],
])('a key without a row is read once in an epoch: %s', async (_, hasKeyWithoutFingerprint, code) => {
  const { state, lookUp } = fastDatabase();
  Object.assign(state, { hasKey: false, hasKeyWithoutFingerprint });
  for (let i = 0; i < 2; i++) expect(lookUp(RAW_KEY)).toMatchObject({ code });
  expect(state.reads).toBe(1);
  Object.assign(state, { hasKey: true, epoch: 2 });
  expect(lookUp(RAW_KEY)).toMatchObject({ code: 'VALID' });
});

test('an inactive key is cached among the guesses, so the time of an answer tells nothing about it', () => {
  const { state, lookUp } = fastDatabase();
  state.isActive = 0;
  for (let i = 0; i < 2; i++) expect(lookUp(RAW_KEY)).toMatchObject({ code: 'INACTIVE' });
  expect(state.reads).toBe(1);
  for (let guess = 0; guess < 2_000; guess++) lookUp(RawKey(`a-guess-${guess}`.padEnd(40, '-')));
  lookUp(RAW_KEY);
  expect(state.reads).toBe(2);
});

test('an inactive key and an unknown one take the same reads, whether or not anything is cached', async () => {
  for (const epoch of [1, undefined]) {
    const reads: string[] = [];
    const state = { found: undefined as ReturnType<typeof row> | undefined };
    const lookUp = lookUpWith({
      epoch: () => epoch,
      find: () => async () => {
        reads.push('row');
        return state.found;
      },
      exists: ({ sql }: { sql: string }) => {
        const isOfFingerprints = sql.includes('fingerprint');
        return async () => {
          reads.push(isOfFingerprints ? 'a key without a fingerprint' : 'a usable key');
          return !isOfFingerprints;
        };
      },
    });
    const readsOf = async (key: string, found: ReturnType<typeof row> | undefined, code: string) => {
      state.found = found;
      reads.length = 0;
      for (let i = 0; i < 2; i++) expect((await lookUp(RawKey(key.padEnd(40, '-')))).code).toBe(code);
      return [...reads];
    };
    await readsOf('the first one', undefined, 'NOT_FOUND');
    const ofUnknown = await readsOf('unknown', undefined, 'NOT_FOUND');
    expect(await readsOf('inactive', row(0), 'INACTIVE')).toEqual(ofUnknown);
    expect(ofUnknown).toContain('row');
  }
});

test('a key that was read before a change is not cached when it arrives after the news of the change', async () => {
  const { state, reads, ask } = slowDatabase();
  const before = ask();
  state.isActive = 0;
  state.epoch = 2;
  reads[0]?.();
  expect(await before).toBe('VALID');
  const after = ask();
  await nextTurn();
  expect(reads).toHaveLength(2);
  reads[1]?.();
  expect(await after).toBe('INACTIVE');
});

test('nor when others were answered in the new epoch meanwhile', async () => {
  const { state, reads, ask } = slowDatabase();
  const before = ask();
  state.isActive = 0;
  state.epoch = 2;
  const after = ask();
  reads[1]?.();
  expect(await after).toBe('INACTIVE');
  reads[0]?.();
  expect(await before).toBe('VALID');
  expect(await ask()).toBe('INACTIVE');
});

test('nothing is cached, and nothing that was cached is used, while the epoch is not known', async () => {
  const { state, reads, ask } = slowDatabase();
  const first = ask();
  reads[0]?.();
  await first;
  state.epoch = undefined;
  const second = ask();
  reads[1]?.();
  expect(await second).toBe('VALID');
  state.epoch = 1;
  void ask();
  expect(reads).toHaveLength(3);
});

test('while the pepper changes, each refused key takes the same reads, wherever its row is', async () => {
  const previousFingerprintOf = fingerprinter(createSecretKey(Buffer.alloc(32, 1)));
  const places = { unknown: '', moved: fingerprint, unmoved: previousFingerprintOf(RAW_KEY) };
  for (const place of Object.values(places)) {
    const asked: string[] = [];
    const find = () => (name: string) => {
      asked.push(name);
      return name === place ? row(0) : undefined;
    };
    const reader = { epoch: () => 1, find, exists: () => () => true };
    const lookUp = lookUpWith(reader, { previousFingerprintOf, move: () => undefined });
    await lookUp(RAW_KEY);
    expect(asked).toEqual([fingerprint, places.unmoved, fingerprint]);
  }
});
