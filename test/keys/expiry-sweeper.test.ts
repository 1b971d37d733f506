import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import type { BackgroundWriter } from '../../src/db/engine.ts';
import { createExpirySweeper } from '../../src/keys/expiry-sweeper.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { openStorage } from '../../src/storage.ts';
import { databaseFor, sqlIn, temporaryDirectory } from '../support/keyhearth.ts';

const NOW = 1_800_000_000_000;
const MARGIN_MS = 60_000;

/** A sweeper of a database with keys that expire at the given times. Its first sweep finds nothing. */
async function sweeperOf(expiries: readonly number[]) {
  const dataDir = temporaryDirectory();
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
  const { db, services, close } = await openStorage(
    config,
    createLogger('silent', { write: () => undefined }),
  );
  let statements = 0;
  let before: () => Promise<unknown> = async () => undefined;
  const writer: BackgroundWriter = {
    async run(...queries) {
      statements++;
      await before();
      await services.backgroundWriter.run(...queries);
    },
  };
  const errors: unknown[] = [];
  const sweeper = createExpirySweeper({
    ...{ db, writer, clock: { now: () => NOW } },
    onError: (error) => errors.push(error),
  });
  await sweeper.sweep();
  onTestFinished(async () => {
    await sweeper.close();
    await close();
  });
  const rows = expiries.map((at, i) => `(${i + 1}, 'x', 'x', 'x', 1, 0, ${at})`);
  await sqlIn(
    dataDir,
    `insert into api_keys (id, label, hint, hash, is_active, created_at, expires_at) values ${rows.join()}`,
  );
  return {
    sweeper,
    errors,
    statements: () => statements,
    beforeWrites: (work: () => Promise<unknown>) => {
      before = work;
    },
    run: (statement: string) => sqlIn(dataDir, statement),
    marked: async () =>
      (await sqlIn(dataDir, 'select id from api_keys where is_expired = 1 order by id')).map(({ id }) => id),
  };
}

test('keys that expired a minute ago are marked, and no others', async () => {
  const { sweeper, marked, statements } = await sweeperOf([NOW - MARGIN_MS, NOW - MARGIN_MS + 1, NOW + 1]);
  await sweeper.sweep();
  expect(await marked()).toEqual([1]);
  expect(statements()).toBe(1);
  // Nothing is written when there is nothing to mark, so that no cache is emptied.
  await sweeper.sweep();
  expect(statements()).toBe(1);
});

test('many keys are marked in small steps', async () => {
  const { sweeper, marked, statements } = await sweeperOf(Array.from({ length: 1_200 }, () => 1));
  await sweeper.sweep();
  expect(await marked()).toHaveLength(1_200);
  expect(statements()).toBe(3);
});

test('a key that is extended or deactivated in the same moment is not marked', async () => {
  const { sweeper, marked, beforeWrites, run } = await sweeperOf([1, 2, 3]);
  beforeWrites(async () => {
    await run(`update api_keys set expires_at = ${NOW + 1_000} where id = 1`);
    await run('update api_keys set is_active = 0 where id = 2');
  });
  await sweeper.sweep();
  expect(await marked()).toEqual([3]);
});

test('a failed write is reported, and tried again by the next sweep', async () => {
  const { sweeper, marked, beforeWrites, errors } = await sweeperOf([1]);
  beforeWrites(async () => {
    throw new Error('no disk');
  });
  await sweeper.sweep();
  expect(errors).toEqual([new Error('no disk')]);
  beforeWrites(async () => undefined);
  await sweeper.sweep();
  expect(await marked()).toEqual([1]);
});
