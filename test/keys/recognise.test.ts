import { createSecretKey } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Reader } from '../../src/db/database.ts';
import { createRecognise } from '../../src/keys/recognise.ts';
import { fingerprinter } from '../../src/keys/secret.ts';
import { shortReads } from '../../src/keys/store.ts';
import { noDatabase } from '../support/no-database.ts';

const RAW_KEY = 'a-key-of-this-test-0123456789-0123456789';

const fingerprintOf = fingerprinter(createSecretKey(Buffer.alloc(32)));

const row = (is_active: number) => ({
  ...{
    id: 1,
    label: '',
    hint: '',
    fingerprint: '',
    is_active,
    created_at: 0,
    last_used_at: null,
    use_count: 0,
  },
});

/** A database that answers a read when it is told to, with the state that the read had met. */
function slowDatabase() {
  const state = { epoch: 1 as number | undefined, isActive: 1 };
  const reads: (() => void)[] = [];
  const reader = {
    epoch: () => state.epoch,
    byFingerprint: () => () => {
      const met = row(state.isActive);
      return new Promise((resolve) => reads.push(() => resolve(met)));
    },
    exists: () => async () => true,
  } as unknown as Reader;
  const recognise = createRecognise(shortReads(noDatabase, reader), reader.epoch, fingerprintOf);
  const ask = async () => {
    const verdict = await recognise(RAW_KEY);
    return verdict?.code;
  };
  return { state, reads, ask };
}

test('what was read in an epoch is not read again while it lasts', async () => {
  const { reads, ask } = slowDatabase();
  const first = ask();
  reads[0]?.();
  expect(await first).toBe('VALID');
  expect(await ask()).toBe('VALID');
  expect(reads).toHaveLength(1);
});

test('a guesser cannot push out what others use', () => {
  const known = fingerprintOf(RAW_KEY);
  let timesRead = 0;
  const reader = {
    epoch: () => 1,
    byFingerprint: () => (fingerprint: string) => {
      if (fingerprint !== known) return undefined;
      timesRead++;
      return row(1);
    },
    exists: () => () => true,
  } as unknown as Reader;
  const recognise = createRecognise(shortReads(noDatabase, reader), reader.epoch, fingerprintOf);
  recognise(RAW_KEY);
  for (let guess = 0; guess < 20_000; guess++) recognise(`a-guess-${guess}`.padEnd(40, '-'));
  recognise(RAW_KEY);
  expect(timesRead).toBe(1);
});

test('what was read before a change is not remembered when it arrives after the news of it', async () => {
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

test('nor when others have been answered in the new epoch meanwhile', async () => {
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

test('nothing is remembered, and nothing that was is used, while nobody can tell the epoch', async () => {
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
