import { expect, test } from 'vitest';
import { expectExactlyTheLimit } from '../limits/parallel.ts';
import { FIRST_KEY, register, sqlIn, startProcess, temporaryDirectory } from '../support/keyhearth.ts';
import { LONG, SEVERAL } from '../support/long.ts';

const ROUNDS = LONG ? 20 : 3;

test.each(['1', SEVERAL])(
  `with %s workers, exactly as many pass as the limit says, ${ROUNDS} times`,
  async (workers) => {
    const { origin, send } = await startProcess({
      KEYHEARTH_DATA_DIR: temporaryDirectory(),
      KEYHEARTH_WORKERS: workers,
    });
    await register(send);
    for (let round = 0; round < ROUNDS; round++) await expectExactlyTheLimit(send, [origin]);
  },
  120_000,
);

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'what was counted five seconds before %s is counted after the next start, by several workers',
  async (signal) => {
    const env = { KEYHEARTH_DATA_DIR: temporaryDirectory(), KEYHEARTH_WORKERS: SEVERAL };
    const first = await startProcess(env);
    await register(first.send);
    const rate_limits = [{ name: 'day', limit: 10, window: '1d' }];
    const create = { method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: { rate_limits } };
    const { raw_key } = (await first.send(create)).json;
    for (let i = 0; i < 7; i++) await first.send({ path: '/auth/verify', key: raw_key });
    const saved = () => sqlIn(env.KEYHEARTH_DATA_DIR, 'select used from rate_limit_windows');
    if (signal === 'SIGKILL')
      await expect.poll(saved, { timeout: 5_500, interval: 100 }).toEqual([{ used: 7 }]);
    first.child.kill(signal);
    await first.ended;
    const second = await startProcess(env);
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await second.send({ path: '/auth/verify', key: raw_key }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
  },
  60_000,
);
