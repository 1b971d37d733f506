import { expect, test } from 'vitest';
import { expectExactlyTheLimit } from '../limits/parallel.ts';
import { client } from '../support/http.ts';
import { FIRST_KEY, register } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';
import { query } from '../support/postgres.ts';
import { onOnePostgres, senders } from './replicas.ts';

const cluster = onOnePostgres();

const ROUNDS = LONG ? 20 : 3;

test(`at three replicas, exactly as many pass as the limit says, ${ROUNDS} times`, async () => {
  const { replicas } = await cluster(3);
  const origins = replicas.map(({ origin }) => origin);
  const send = client(origins[0] ?? '');
  await register(send);
  for (let round = 0; round < ROUNDS; round++) await expectExactlyTheLimit(send, origins);
});

test('a killed replica loses no count, and verifications go on when all connections are ended', async () => {
  const { url, replicas } = await cluster(2);
  const [first, second] = senders(replicas);
  await register(first);
  const rate_limits = [{ name: 'day', limit: 10, window: '1d' }];
  const create = { method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: { rate_limits } };
  const { raw_key } = (await first(create)).json;
  for (let i = 0; i < 4; i++) await first({ path: '/auth/verify', key: raw_key });
  replicas[0]?.child.kill('SIGKILL');
  const others = 'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()';
  await query(url, `${others} and datname = current_database()`);
  const verify = async () => (await second({ path: '/auth/verify', key: raw_key })).headers.ratelimit;
  await expect.poll(verify, { interval: 20 }).toMatch(/^"day";r=[45];/);
});
