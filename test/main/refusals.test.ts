import { expect, test } from 'vitest';
import { flood } from '../../bench/refusals.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

const SECONDS = LONG ? 60 : 3;

/** The first ten lines of each of 50 clients, and what the service logs about its own start and stop. */
const AT_ONCE = 520;

test('a flood of refusals writes at most 100 lines a second, and the log accounts for each refusal', async () => {
  const { refusals, lines, accounted } = await flood(SECONDS, temporaryDirectory());
  expect(refusals).toBeGreaterThan(SECONDS * 500);
  expect(accounted).toBe(refusals);
  expect(lines).toBeLessThanOrEqual(Math.max(AT_ONCE, SECONDS * 100));
});
