import { expect, test } from 'vitest';
import { fill } from '../../bench/seed.ts';
import { register, startProcess, temporaryDirectory } from '../support/keyhearth.ts';

const KEYS = 10_000;

test('after a restart with 10,000 keys the first use of each is as good as the second, and as fast', async () => {
  const env = { KEYHEARTH_DATA_DIR: temporaryDirectory() };
  const first = await startProcess(env);
  await register(first.send);
  first.child.kill('SIGTERM');
  await first.ended;
  const keys = fill(env.KEYHEARTH_DATA_DIR, KEYS + 1, 1);
  expect(new Set(keys).size).toBe(KEYS);

  const { send } = await startProcess(env);
  async function slowestTenth(): Promise<number> {
    const times: number[] = [];
    for (const key of keys) {
      const start = performance.now();
      const answer = await send({ path: '/auth/verify', key });
      times.push(performance.now() - start);
      if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
    }
    return times.sort((a, b) => a - b)[KEYS * 0.9] ?? 0;
  }
  await send('/auth/verify');
  const firstUse = await slowestTenth();
  const secondUse = await slowestTenth();
  expect(firstUse).toBeLessThan(5);
  expect(firstUse).toBeLessThan(5 * secondUse);
}, 120_000);
