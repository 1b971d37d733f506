import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { allocateRetention, createRetention } from '../../src/audit/retention.ts';
import { parseConfig } from '../../src/config.ts';
import type { BackgroundWriter } from '../../src/db/engine.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { openStorage } from '../../src/storage.ts';
import { fakeClock } from '../support/fake-clock.ts';
import {
  databaseFor,
  FIRST_KEY,
  register,
  service,
  sqlIn,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';

const DAY_MS = 86_400_000;

/** `ages` in days. */
const insert = (dataDir: string, ages: readonly number[], times = 1) =>
  sqlIn(
    dataDir,
    `insert into audit_events (at, action, actor_kind, changes)
     with recursive n(i) as (select 1 union all select i + 1 from n where i < ${times}),
     ages(age) as (values ${ages.map((age) => `(${Math.round(age * DAY_MS)})`).join(', ')})
     select ${Date.now()} - age, 'key.updated', 'anonymous', '{}' from n, ages`,
  );

const count = async (dataDir: string) =>
  Number((await sqlIn(dataDir, 'select count(*) as events from audit_events'))[0]?.events);

async function open() {
  const dataDir = temporaryDirectory();
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
  const storage = await openStorage(config, createLogger('silent', { write: () => undefined }));
  onTestFinished(storage.close);
  const errors: unknown[] = [];
  const { clock, pass } = fakeClock();
  const retention = (
    days: number,
    memory: SharedArrayBuffer,
    writer: BackgroundWriter = storage.services.backgroundWriter,
  ) => {
    const made = createRetention({
      ...{ db: storage.db, writer, clock, days, memory },
      onError: (error) => errors.push(error),
    });
    onTestFinished(made.close);
    return made;
  };
  return { dataDir, retention, errors, pass, writer: storage.services.backgroundWriter };
}

test('a service deletes what is too old, and nothing else', async () => {
  const dataDir = temporaryDirectory();
  const first = await startService({ dataDir });
  await register(first.send);
  await first.close();
  await insert(dataDir, [0, 29.9, 30.1, 500], 300);
  const { send } = await service({ dataDir, env: { KEYHEARTH_AUDIT_DAYS: '30' } });
  await expect.poll(() => count(dataDir)).toBe(601);
  const { json } = await send({ path: '/auth/audit?to=2000000000', key: FIRST_KEY });
  expect(json.events).toHaveLength(100);
});

test('0 days keep everything', async () => {
  const { dataDir, retention } = await open();
  await insert(dataDir, [36_000]);
  await retention(0, allocateRetention()).enforce();
  expect(await count(dataDir)).toBe(1);
});

test('one thread of a process deletes, in batches', async () => {
  const { dataDir, retention, errors, writer } = await open();
  await insert(dataDir, [500], 1_000);
  const memory = allocateRetention();
  const batches = [0, 0, 0];
  const threads = batches.map((_, i) =>
    retention(30, memory, {
      run: (query) => {
        batches[i] = (batches[i] ?? 0) + 1;
        return writer.run(query);
      },
    }),
  );
  await Promise.all(threads.map(({ enforce }) => enforce()));
  expect(batches.sort()).toEqual([0, 0, 5]);
  expect(await count(dataDir)).toBe(0);
  expect(errors).toEqual([]);
});

test('replicas share the work', async () => {
  const { dataDir, retention, errors } = await open();
  await insert(dataDir, [500, 1], 1_000);
  await Promise.all([1, 2, 3].map(() => retention(30, allocateRetention()).enforce()));
  expect(await count(dataDir)).toBe(1_000);
  expect(errors).toEqual([]);
});

test('a pass that fails is repeated after a minute, and ends when the service does', async () => {
  const { dataDir, retention, errors, pass, writer } = await open();
  await insert(dataDir, [500], 1_000);
  let isBroken = true;
  const memory = allocateRetention();
  const { enforce, close } = retention(30, memory, {
    run: (query) => (isBroken ? Promise.reject(new Error('no space')) : writer.run(query)),
  });
  await enforce();
  expect(errors).toHaveLength(1);
  isBroken = false;
  await enforce();
  expect(await count(dataDir)).toBe(1_000);
  pass(61);
  const passing = enforce();
  await sleep(10);
  await close();
  await passing;
  expect(await count(dataDir)).toBeGreaterThan(0);
  expect(await count(dataDir)).toBeLessThan(1_000);
});
