import { expect, test } from 'vitest';
import type { BackgroundWriter } from '../../src/db/engine.ts';
import { KeyId } from '../../src/lib/brand.ts';
import { createUsageCounter } from '../../src/usage/counter.ts';
import { ALL_KEYS, UNKNOWN_KEY } from '../../src/usage/outcome.ts';
import { noDatabase } from '../support/no-database.ts';

const HOUR = 3_600_000;
/** 2026-01-01T00:00:00Z */
const MIDNIGHT = 1_767_225_600_000;

/** Takes what is written, or fails: before it takes anything, or after. */
function fakeWriter() {
  const state: { fails?: 'before' | 'after' } = {};
  const uses = new Map<number, { count: number; lastUsedAt: number }>();
  const hours = new Map<string, number>();
  const batches = new Set<unknown>();
  const writer: BackgroundWriter = {
    async run(...queries) {
      if (state.fails === 'before') throw new Error('the disk is full');
      const batch = queries.at(-1)?.parameters.slice(0, 2).join();
      const isNew = !batches.has(batch);
      batches.add(batch);
      for (const { sql, parameters } of queries.slice(0, -1)) {
        // Each statement asks whether the batch is new.
        expect(parameters.slice(1).join()).toBe(batch);
        for (const row of isNew ? JSON.parse(String(parameters[0])) : []) {
          if (sql.includes('update api_keys')) {
            const [id, count, lastUsedAt] = row;
            uses.set(id, { count: count + (uses.get(id)?.count ?? 0), lastUsedAt });
          } else {
            const [start, id, outcome, count] = row;
            const place = `${id} ${(start - MIDNIGHT) / HOUR} ${outcome}`;
            hours.set(place, count + (hours.get(place) ?? 0));
          }
        }
      }
      if (state.fails === 'after') throw new Error('the connection is lost');
    },
  };
  return { state, uses, hours, writer };
}

function counterOn(writer: BackgroundWriter, keepsHours = true) {
  const clock = { time: MIDNIGHT, now: () => clock.time };
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const counter = createUsageCounter({ db: noDatabase, writer, clock, keepsHours, onError });
  return { clock, errors, ...counter };
}

test('every use is counted once, and its time kept, however many there are of however many keys', async () => {
  const { uses, hours, writer } = fakeWriter();
  const { clock, errors, countVerification, close } = counterOn(writer);
  for (let use = 0; use < 10_007; use++) {
    clock.time = MIDNIGHT + use;
    countVerification(KeyId((use % 2_500) + 1), 'VALID');
  }
  await close();
  expect(errors).toEqual([]);
  expect(uses.size).toBe(2_500);
  expect(uses.get(1)).toEqual({ count: 5, lastUsedAt: MIDNIGHT + 10_000 });
  expect(uses.get(7)).toEqual({ count: 5, lastUsedAt: MIDNIGHT + 10_006 });
  expect(uses.get(8)).toEqual({ count: 4, lastUsedAt: MIDNIGHT + 7_507 });
  expect([...uses.values()].reduce((sum, { count }) => sum + count, 0)).toBe(10_007);
  expect(hours.get('7 0 VALID')).toBe(5);
  expect(hours.get(`${ALL_KEYS} 0 VALID`)).toBe(10_007);
});

test('verifications count by hour and by outcome, and only valid ones and management are uses', async () => {
  const { uses, hours, writer } = fakeWriter();
  const { clock, countUse, countVerification, close } = counterOn(writer);
  clock.time = MIDNIGHT - 1;
  countVerification(KeyId(1), 'VALID');
  countVerification(KeyId(1), 'RATE_LIMITED');
  clock.time = MIDNIGHT;
  countVerification(KeyId(1), 'VALID');
  countVerification(KeyId(2), 'EXPIRED');
  countVerification(UNKNOWN_KEY, 'INACTIVE');
  clock.time = MIDNIGHT - 1;
  countVerification(KeyId(1), 'VALID');
  clock.time = MIDNIGHT + HOUR;
  countUse(KeyId(1));
  countUse(KeyId(3));
  await close();
  expect(Object.fromEntries(uses)).toEqual({
    1: { count: 4, lastUsedAt: MIDNIGHT + HOUR },
    3: { count: 1, lastUsedAt: MIDNIGHT + HOUR },
  });
  expect(Object.fromEntries(hours)).toEqual({
    '1 -1 VALID': 2,
    '1 -1 RATE_LIMITED': 1,
    '1 0 VALID': 1,
    '2 0 EXPIRED': 1,
    '0 -1 VALID': 2,
    '0 -1 RATE_LIMITED': 1,
    '0 0 VALID': 1,
    '0 0 EXPIRED': 1,
  });
});

test('without hours, only uses are written', async () => {
  const { uses, hours, writer } = fakeWriter();
  const { countVerification, close } = counterOn(writer, false);
  countVerification(KeyId(1), 'VALID');
  countVerification(KeyId(2), 'EXPIRED');
  await close();
  expect([...uses.keys()]).toEqual([1]);
  expect(hours.size).toBe(0);
});

test.each(['before', 'after'] as const)(
  'what failed %s it was written is counted once, with what came since',
  async (moment) => {
    const { state, uses, hours, writer } = fakeWriter();
    const { clock, errors, countVerification, close } = counterOn(writer);
    state.fails = moment;
    for (let use = 0; use < 3_000; use++) {
      clock.time = MIDNIGHT + use;
      countVerification(KeyId((use % 1_500) + 1), 'VALID');
    }
    await close();
    await close();
    expect(errors).toHaveLength(2);
    delete state.fails;
    clock.time = MIDNIGHT;
    countVerification(KeyId(1), 'VALID');
    countVerification(KeyId(1_500), 'EXPIRED');
    await close();
    expect(uses.get(1)?.count).toBe(3);
    expect(uses.get(1_500)).toEqual({ count: 2, lastUsedAt: MIDNIGHT + 2_999 });
    expect([...uses.values()].reduce((sum, { count }) => sum + count, 0)).toBe(3_001);
    expect(hours.get('0 0 VALID')).toBe(3_001);
    expect(hours.get('0 0 EXPIRED')).toBe(1);
    expect(hours.get('1 0 VALID')).toBe(3);
  },
);
