import { expect, test } from 'vitest';
import { fill } from '../../bench/seed.ts';
import { register, startProcess, temporaryDirectory } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

const KEYS = 10_000;

/** Of these, how many are used. */
const USED = LONG ? KEYS : 2_000;

test('after a restart with 10,000 keys the first use of a key is as good as the second, and as fast', async () => {
  const env = { KEYHEARTH_DATA_DIR: temporaryDirectory() };
  const first = await startProcess(env);
  await register(first.send);
  first.child.kill('SIGTERM');
  await first.ended;
  const keys = fill(env.KEYHEARTH_DATA_DIR, KEYS + 1, 1);
  expect(new Set(keys).size).toBe(KEYS);

  const { send } = await startProcess(env);
  async function use(key: string): Promise<number> {
    const start = performance.now();
    const answer = await send({ path: '/auth/verify', key });
    const took = performance.now() - start;
    if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
    return took;
  }
  const slowestTenth = (times: number[]) => times.sort((a, b) => a - b)[USED * 0.9] ?? 0;
  await send('/auth/verify');
  const times = { first: [] as number[], second: [] as number[] };
  // In turns, so that neither has the advantage of a program that has run for longer.
  for (const key of keys.slice(0, USED)) {
    times.first.push(await use(key));
    times.second.push(await use(key));
  }
  const firstUse = slowestTenth(times.first);
  const secondUse = slowestTenth(times.second);
  expect(firstUse).toBeLessThan(5);
  expect(firstUse).toBeLessThan(5 * secondUse);
});
