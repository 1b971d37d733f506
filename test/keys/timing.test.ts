import { expect, onTestFinished, test } from 'vitest';
import { measureTiming } from '../../bench/timing.ts';
import { measureSignInTiming } from '../../bench/timing-sign-in.ts';
import { startPostgres } from '../../deploy/cluster/postgres.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

/** Enough that a fair comparison is outside the bounds less than once in a hundred thousand times. */
const SAMPLES = 2_000;

async function databaseOf(name: string): Promise<Record<string, string>> {
  if (name === 'SQLite') return {};
  const { url, remove } = await startPostgres();
  onTestFinished(remove);
  return { DATABASE_URL: url };
}

test.runIf(LONG).each(['SQLite', 'PostgreSQL'])(
  'on %s, the time of an answer does not tell an inactive key or a near miss from an unknown key',
  async (name) => {
    const figures = await measureTiming(name, SAMPLES, temporaryDirectory(), await databaseOf(name));
    expect(figures.length).toBeGreaterThan(0);
    expect(figures.filter(({ isWithin }) => !isWithin)).toEqual([]);
  },
  120_000,
);

/** Outside the bounds once in forty thousand times. `npm run bench:timing` tries PostgreSQL too. */
const SIGN_INS = 1_200;

test.runIf(LONG)(
  'the time of a failed sign-in does not tell which e-mail addresses have an account',
  async () => {
    const figures = await measureSignInTiming('SQLite', SIGN_INS, temporaryDirectory());
    expect(figures).toHaveLength(2);
    expect(figures.filter(({ isWithin }) => !isWithin)).toEqual([]);
  },
  600_000,
);
