import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { openStorage } from '../../src/storage.ts';
import { createUsageUpkeep } from '../../src/usage/upkeep.ts';
import {
  databaseFor,
  FIRST_KEY,
  register,
  service,
  sqlIn,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** 2026-01-01T00:00:00Z */
const MIDNIGHT = 1_767_225_600_000;

/** A database with some keys, whose hours the test writes. */
async function database() {
  const dataDir = temporaryDirectory();
  const first = await startService({ dataDir });
  await register(first.send);
  await first.close();
  return dataDir;
}

/** What a worker of a process does, at a time. */
async function upkeepIn(dataDir: string, clock: { now(): number }, days = 90) {
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
  const storage = await openStorage(config, pino({ level: 'silent' }));
  const errors: unknown[] = [];
  const upkeep = createUsageUpkeep({
    db: storage.db,
    writer: storage.services.backgroundWriter,
    clock,
    days,
    onError: (error) => void errors.push(error),
  });
  onTestFinished(async () => {
    await upkeep.close();
    await storage.close();
    expect(errors).toEqual([]);
  });
  return upkeep;
}

const insert = (
  dataDir: string,
  table: string,
  rows: readonly (readonly [number, number, string, number])[],
) =>
  sqlIn(
    dataDir,
    `insert into ${table} values ${rows.map(([start, id, outcome, count]) => `(${start}, ${id}, '${outcome}', ${count})`).join(', ')}`,
  );

const rowsOf = async (dataDir: string, table: string) =>
  (await sqlIn(dataDir, `select * from ${table} order by start, key_id, outcome`)).map((row) =>
    ['start', 'key_id', 'outcome', 'count'].map((name) => row[name]),
  );

test('hours become days of UTC after seven days, at the border of a day and not before', async () => {
  const dataDir = await database();
  const [yesterday, today] = [MIDNIGHT - 8 * DAY, MIDNIGHT - 7 * DAY];
  await insert(dataDir, 'usage_hours', [
    [yesterday, 1, 'VALID', 2],
    [yesterday + 23 * HOUR, 1, 'VALID', 3],
    [yesterday + 23 * HOUR, 1, 'EXPIRED', 5],
    [today, 1, 'VALID', 7],
  ]);
  await insert(dataDir, 'usage_days', [[yesterday, 1, 'VALID', 1]]);
  const clock = { time: MIDNIGHT - 1, now: () => clock.time };
  const upkeep = await upkeepIn(dataDir, clock);
  await upkeep.run();
  expect(await rowsOf(dataDir, 'usage_hours')).toHaveLength(4);
  clock.time = MIDNIGHT;
  await upkeep.run();
  await upkeep.run();
  expect(await rowsOf(dataDir, 'usage_hours')).toEqual([[today, 1, 'VALID', 7]]);
  expect(await rowsOf(dataDir, 'usage_days')).toEqual([
    [yesterday, 1, 'EXPIRED', 5],
    [yesterday, 1, 'VALID', 6],
  ]);
});

test('several workers at once move each row once, and a report is the same before and after', async () => {
  const dataDir = await database();
  const rows = Array.from(
    { length: 4_800 },
    (_, i) => [MIDNIGHT - 10 * DAY + (i % 48) * HOUR, Math.floor(i / 48), 'VALID', 1] as const,
  );
  await insert(dataDir, 'usage_hours', rows);
  const clock = { now: () => MIDNIGHT, monotonic: () => 1_000 };
  const { send } = await service({ dataDir, clock });
  const report = async () =>
    (
      await send({
        path: '/auth/keys/1/usage?from=2025-12-20T00:00:00Z&to=2026-01-01T00:00:00Z',
        key: FIRST_KEY,
      })
    ).json.buckets.map(({ valid }: { valid: number }) => valid);
  const before = await report();
  expect(before).toEqual([0, 0, 24, 24, 0, 0, 0, 0, 0, 0, 0, 0]);
  const workers = await Promise.all([upkeepIn(dataDir, clock), upkeepIn(dataDir, clock)]);
  const moving = Promise.all(workers.map(({ run }) => run()));
  expect(await report()).toEqual(before);
  await moving;
  expect(await report()).toEqual(before);
  expect(await rowsOf(dataDir, 'usage_hours')).toEqual([]);
  const days = await rowsOf(dataDir, 'usage_days');
  expect(days).toHaveLength(200);
  expect(days.every(([, , , count]) => count === 24)).toBe(true);
});

test.each([
  [90, [], [-90]],
  [3, [-3], []],
  [0, [], []],
])('counts are kept for %i days', async (days, hours, keptDays) => {
  const dataDir = await database();
  const at = (day: number) => [MIDNIGHT + day * DAY, 1, 'VALID', 1] as const;
  const old = days === 90 ? [] : [at(-4), at(-3)];
  if (old.length > 0) await insert(dataDir, 'usage_hours', old);
  await insert(dataDir, 'usage_days', [at(-91), at(-90)]);
  await (await upkeepIn(dataDir, { now: () => MIDNIGHT + HOUR }, days)).run();
  expect(await rowsOf(dataDir, 'usage_hours')).toEqual(hours.map(at));
  expect(await rowsOf(dataDir, 'usage_days')).toEqual(keptDays.map(at));
});
