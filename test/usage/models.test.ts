import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import type { BackgroundWriter } from '../../src/db/engine.ts';
import { KeyId } from '../../src/lib/brand.ts';
import { openStorage } from '../../src/storage.ts';
import { createModelCounter, type ModelUse } from '../../src/usage/model-counter.ts';
import { readUsageTotals } from '../../src/usage/model-report.ts';
import { createUsageUpkeep } from '../../src/usage/upkeep.ts';
import { databaseFor, register, startService, temporaryDirectory } from '../support/keyhearth.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** 2026-01-01T00:00:00Z */
const MIDNIGHT = 1_767_225_600_000;

/** A database with the key 1. */
async function database() {
  const dataDir = temporaryDirectory();
  const first = await startService({ dataDir });
  await register(first.send);
  await first.close();
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
  const storage = await openStorage(config, pino({ level: 'silent' }));
  onTestFinished(() => storage.close());
  const { db } = storage;
  const clock = { time: MIDNIGHT, now: () => clock.time };
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const shared = { db, clock, onError };
  return {
    ...{ db, clock, errors },
    writer: storage.services.backgroundWriter,
    counter: (writer: BackgroundWriter = storage.services.backgroundWriter, keepsHours = true) =>
      createModelCounter({ ...shared, writer, keepsHours }),
    async tidyUp(days: number) {
      const upkeep = createUsageUpkeep({ ...shared, writer: storage.services.backgroundWriter, days });
      await upkeep.run();
      await upkeep.close();
    },
    rows: async () =>
      (
        await db
          .selectFrom('usage_models')
          .selectAll()
          .orderBy('start')
          .orderBy('key_id')
          .orderBy('model')
          .execute()
      ).map(
        ({ start, key_id, model, requests, failures, input_tokens, output_tokens }) =>
          `${start === 0 ? 'all' : (start - MIDNIGHT) / HOUR} ${key_id} ${model || '-'}: ${requests} ${failures} ${input_tokens} ${output_tokens}`,
      ),
  };
}

const use = (keyId: number, model: string, more: Partial<ModelUse> = {}): ModelUse => ({
  keyId: keyId === 0 ? 0 : KeyId(keyId),
  model,
  isFailure: false,
  asksModel: true,
  inputTokens: 3,
  outputTokens: 4,
  ...more,
});
const FAILED = { isFailure: true, inputTokens: 0, outputTokens: 0 };

test('requests and tokens count by key, model and hour, and in all', async () => {
  const { clock, counter, rows, db, errors } = await database();
  const { countModel, close } = counter();
  countModel(use(1, 'model-a'));
  countModel(use(1, 'model-a', FAILED));
  countModel(use(1, 'model-b'));
  countModel(use(0, 'model-a'));
  await close();
  clock.time += HOUR;
  countModel(use(1, 'model-a'));
  await close();
  expect(await rows()).toEqual([
    'all 0 model-a: 1 0 3 4',
    'all 1 model-a: 3 1 6 8',
    'all 1 model-b: 1 0 3 4',
    '0 0 model-a: 1 0 3 4',
    '0 1 model-a: 2 1 3 4',
    '0 1 model-b: 1 0 3 4',
    '1 1 model-a: 1 0 3 4',
  ]);
  expect(errors).toEqual([]);
  const [{ name } = { name: '' }] = await db.selectFrom('api_keys').select('label as name').execute();
  expect(await readUsageTotals(db)).toEqual({
    ...{ requests: 5, failures: 1, tokens: 28 },
    keys: [
      {
        ...{ name: '0: without a key', requests: 1, failures: 0, tokens: 7 },
        models: new Map([['model-a', { requests: 1, failures: 0, tokens: 7 }]]),
      },
      {
        ...{ name: `1: ${name}`, requests: 4, failures: 1, tokens: 21 },
        models: new Map([
          ['model-a', { requests: 3, failures: 1, tokens: 14 }],
          ['model-b', { requests: 1, failures: 0, tokens: 7 }],
        ]),
      },
    ],
  });
});

test('a name counts when an upstream has known it, so that clients cannot fill the database', async () => {
  const { counter, rows } = await database();
  const { countModel, close } = counter();
  for (let i = 0; i < 50; i++) countModel(use(1, `made-up-${i}`, FAILED));
  countModel(use(1, 'nul\0', {}));
  countModel(use(1, 'x'.repeat(201), {}));
  for (let i = 0; i < 60; i++) countModel(use(1, `file-${i}`, { asksModel: false }));
  for (let i = 0; i < 100; i++) countModel(use(1, `model-${i}`));
  await close();
  const written = (await rows()).filter((row) => row.startsWith('all'));
  expect(written.length).toBe(52);
  expect(written[0]).toBe('all 1 -: 52 50 6 8');
  expect(written.at(-1)).toBe('all 1 other: 110 0 330 440');
});

test('one key cannot take the names of another, and all together have a limit', async () => {
  const { counter, rows } = await database();
  const { countModel, close } = counter();
  for (let key = 2; key < 30; key++) for (let i = 0; i < 50; i++) countModel(use(key, `model-${key}-${i}`));
  countModel(use(30, 'model-2-0', FAILED));
  await close();
  const names = new Set((await rows()).map((row) => row.split(' ')[2]));
  expect(names.size).toBe(1_001);
  expect(names).toContain('other:');
  expect(await rows()).toContain('all 30 model-2-0: 1 1 0 0');
});

test('a batch that the database never takes is given up, and the next one is written', async () => {
  const { counter, rows, writer, errors } = await database();
  let isPoison = true;
  const { countModel, flush, close } = counter({
    async run(...queries) {
      if (isPoison) throw new Error('bigint out of range');
      await writer.run(...queries);
    },
  });
  countModel(use(1, 'model-a'));
  for (let i = 0; i < 10; i++) await flush();
  isPoison = false;
  countModel(use(1, 'model-b'));
  await close();
  expect(errors.length).toBe(10);
  expect(await rows()).toEqual(['all 1 model-b: 1 0 3 4', '0 1 model-b: 1 0 3 4']);
});

test('a batch whose confirmation is lost is repeated, and counted once', async () => {
  const { counter, rows, writer, errors } = await database();
  let isLost = true;
  const { countModel, close } = counter({
    async run(...queries) {
      await writer.run(...queries);
      if (isLost) throw new Error('the connection is lost');
    },
  });
  countModel(use(1, 'model-a'));
  await close();
  await close();
  isLost = false;
  countModel(use(1, 'model-a'));
  await close();
  expect(errors.length).toBe(2);
  expect(await rows()).toEqual(['all 1 model-a: 2 0 6 8', '0 1 model-a: 2 0 6 8']);
});

test('old hours are removed, and the sums stay', async () => {
  const { clock, counter, rows, tidyUp } = await database();
  const { countModel, close } = counter();
  countModel(use(1, 'model-a'));
  await close();
  clock.time += 10 * DAY;
  countModel(use(1, 'model-a'));
  await close();
  await tidyUp(5);
  expect(await rows()).toEqual(['all 1 model-a: 2 0 6 8', '240 1 model-a: 1 0 3 4']);
});

test('where hours are not kept, only sums are written', async () => {
  const { counter, rows, writer } = await database();
  const { countModel, close } = counter(writer, false);
  countModel(use(1, 'model-a'));
  await close();
  expect(await rows()).toEqual(['all 1 model-a: 1 0 3 4']);
});
