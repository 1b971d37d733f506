import fc from 'fast-check';
import { Pool } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { KeyId } from '../../../src/lib/brand.ts';
import { DELETE_ENDED } from '../../../src/limits/counter-statements.ts';
import { createPostgresLimiter } from '../../../src/limits/postgres-limiter.ts';
import { histories, naiveLimiter } from '../../limits/naive-limiter.ts';
import { databaseFor, service } from '../../support/keyhearth.ts';
import { LONG } from '../../support/long.ts';
import { patientConfig } from '../../support/postgres.ts';

/** Limiters of two replicas on one database. */
async function replicas() {
  const { dataDir } = await service();
  const { DATABASE_URL: url = '' } = await databaseFor(dataDir);
  const pool = new Pool({ ...patientConfig(url), max: 4 });
  const run = async <Row>(text: string, values: readonly unknown[]) =>
    (await pool.query(text, [...values])).rows as Row[];
  const errors: unknown[] = [];
  const open = () => createPostgresLimiter({ run }, (error) => errors.push(error));
  const [one, other] = [open(), open()];
  onTestFinished(async () => {
    await Promise.all([one.close(), other.close()]);
    await pool.end();
    expect(errors).toEqual([]);
  });
  /** Makes the windows older. A negative number is a clock that was set back. */
  const pass = (seconds: number) =>
    run(
      `update rate_limit_counters set ends_at = ends_at - $1::bigint, windows = (
        select coalesce(jsonb_object_agg(key, jsonb_build_object('used', value -> 'used',
          'opened_at', (value ->> 'opened_at')::bigint - $1::bigint,
          'ends_at', (value ->> 'ends_at')::bigint - $1::bigint)), '{}') from jsonb_each(windows))`,
      [seconds * 1_000],
    );
  return { one, other, run, pass };
}

test('PostgreSQL gives the answers of the naive limiter, whatever happens', async () => {
  const { one, run, pass } = await replicas();
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      await run('delete from rate_limit_counters', []);
      const ask = naiveLimiter();
      let now = 0;
      for (const { questions, seconds } of history) {
        const answers = await Promise.all(
          questions.map(({ root, limits, cost }) => one.consume(root, limits, cost)),
        );
        for (const [i, { root, limits, cost }] of questions.entries()) {
          const expected = ask(root, limits, cost, now);
          const states = answers[i]?.states ?? [];
          expect({
            isAllowed: answers[i]?.isAllowed,
            remaining: states.map(({ remaining }) => remaining),
          }).toEqual({
            isAllowed: expected.isAllowed,
            remaining: expected.remaining,
          });
          for (const [j, { resetMs }] of states.entries())
            expect(Math.abs(resetMs - (expected.resetMs[j] ?? 0))).toBeLessThan(100_000);
        }
        await pass(seconds);
        now += seconds * 1_000;
      }
    }),
    { numRuns: LONG ? 300 : 60 },
  );
});

const limits = [{ name: 'minute', limit: 3, window: '1m', windowMs: 60_000 }];

test('a window does not last longer because the clock of the server is set back', async () => {
  const { one, pass } = await replicas();
  for (let i = 0; i < 3; i++) await one.consume(KeyId(1), limits, 1);
  await pass(-86_400);
  const refused = await one.consume(KeyId(1), limits, 1);
  expect(refused.isAllowed).toBe(false);
  expect(refused.retryAfter).toBeLessThanOrEqual(60);
  await pass(61);
  expect(await one.consume(KeyId(1), limits, 1)).toMatchObject({ isAllowed: true });
});

test('a long window stays while only a short one is counted', async () => {
  const { one, run, pass } = await replicas();
  const day = [{ name: 'day', limit: 1, window: '1d', windowMs: 86_400_000 }];
  await one.consume(KeyId(1), day, 1);
  await one.consume(KeyId(1), limits, 1);
  await pass(3_600);
  expect(await run(DELETE_ENDED, [100])).toEqual([]);
  expect(await one.consume(KeyId(1), day, 1)).toMatchObject({ isAllowed: false });
  await pass(86_400);
  expect(await run(DELETE_ENDED, [100])).toHaveLength(1);
});

test('two replicas that count many keys in different orders do not wait for each other', async () => {
  const { one, other } = await replicas();
  const roots = Array.from({ length: 50 }, (_, i) => KeyId(i + 1));
  const rounds = LONG ? 100 : 20;
  let passed = 0;
  for (let round = 0; round < rounds; round++) {
    const answers = await Promise.all([
      ...roots.map((root) => one.consume(root, [{ ...limits[0], limit: rounds } as never], 1)),
      ...roots.toReversed().map((root) => other.consume(root, [{ ...limits[0], limit: rounds } as never], 1)),
    ]);
    passed += answers.filter(({ isAllowed }) => isAllowed).length;
  }
  expect(passed).toBe(50 * rounds);
});
