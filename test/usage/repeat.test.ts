import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import type { BackgroundWriter } from '../../src/db/engine.ts';
import { KeyId } from '../../src/lib/brand.ts';
import { openStorage } from '../../src/storage.ts';
import { createUsageCounter } from '../../src/usage/counter.ts';
import { databaseFor, register, sqlIn, startService, temporaryDirectory } from '../support/keyhearth.ts';

test('a batch whose confirmation is lost is repeated, and counted once', async () => {
  const dataDir = temporaryDirectory();
  const first = await startService({ dataDir });
  await register(first.send);
  await first.close();
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
  const storage = await openStorage(config, pino({ level: 'silent' }));
  onTestFinished(() => storage.close());
  let isLost = true;
  const writer: BackgroundWriter = {
    async run(...queries) {
      await storage.services.backgroundWriter.run(...queries);
      if (isLost) throw new Error('the connection is lost');
    },
  };
  const errors: unknown[] = [];
  const counter = createUsageCounter({
    db: storage.db,
    writer,
    clock: { now: () => 7_200_000 },
    keepsHours: true,
    onError: (error) => void errors.push(error),
  });
  counter.countVerification(KeyId(1), 'VALID');
  counter.countVerification(KeyId(1), 'EXPIRED');
  await counter.close();
  await counter.close();
  isLost = false;
  counter.countVerification(KeyId(1), 'VALID');
  await counter.close();
  expect(errors).toHaveLength(2);
  expect(await sqlIn(dataDir, 'select use_count, last_used_at from api_keys')).toEqual([
    { use_count: 2, last_used_at: 7_200_000 },
  ]);
  expect(
    await sqlIn(dataDir, 'select start, key_id, outcome, count from usage_hours order by key_id, outcome'),
  ).toEqual(
    [0, 1].flatMap((key_id) => [
      { start: 7_200_000, key_id, outcome: 'EXPIRED', count: 1 },
      { start: 7_200_000, key_id, outcome: 'VALID', count: 2 },
    ]),
  );
});
