import { expect, onTestFinished, test } from 'vitest';
import { measureTiming } from '../../bench/timing.ts';
import { startPostgres } from '../../deploy/cluster/postgres.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

/** Enough that a fair comparison is outside the bounds less than once in a hundred thousand times. */
const SAMPLES = 2_000;

test.runIf(LONG).each(['SQLite', 'PostgreSQL'])(
  'on %s, the time of an answer does not tell an inactive key or a near miss from an unknown key',
  async (name) => {
    const database: Record<string, string> = {};
    if (name === 'PostgreSQL') {
      const { url, remove } = await startPostgres();
      onTestFinished(remove);
      database.DATABASE_URL = url;
    }
    const figures = await measureTiming(name, SAMPLES, temporaryDirectory(), database);
    expect(figures.length).toBeGreaterThan(0);
    expect(figures.filter(({ isWithin }) => !isWithin)).toEqual([]);
  },
  120_000,
);
