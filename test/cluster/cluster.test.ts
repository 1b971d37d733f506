import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { client, type Send } from '../support/http.ts';
import { FIRST_KEY, register } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';
import { query } from '../support/postgres.ts';
import { freeze, onOnePostgres, senders } from './replicas.ts';

const TIMES = LONG ? 5 : 1;

const cluster = onOnePostgres();

describe('three replicas', () => {
  test(`register exactly one of a hundred keys, rounds: ${TIMES}`, async () => {
    for (let round = 0; round < TIMES; round++) {
      const { url, replicas } = await cluster(3);
      const all = senders(replicas);
      const answers = await Promise.all(
        [...all, all[0]].flatMap((send, sender) =>
          Array.from({ length: 25 }, (_, i) =>
            send({
              method: 'POST',
              path: '/auth/register-key',
              body: { api_key: `key-${sender}-${i}-`.padEnd(40, 'x') },
            }),
          ),
        ),
      );
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 201)).toHaveLength(1);
      expect(statuses.filter((status) => status === 409)).toHaveLength(99);
      expect(await query(url, 'select id from api_keys')).toHaveLength(1);
      for (const { child, ended } of replicas) {
        child.kill('SIGKILL');
        await ended;
      }
    }
  });

  test('never retire the last two keys together', async () => {
    const { replicas } = await cluster(3);
    const all = senders(replicas);
    await register(all[0]);
    let [survivor, survivorId] = [FIRST_KEY, 1];
    for (let round = 0; round < (LONG ? 50 : 15); round++) {
      const { json: second } = await all[0]({ method: 'POST', path: '/auth/keys', key: survivor, body: {} });
      const answers = await Promise.all([
        all[1]({ method: 'POST', path: `/auth/keys/${survivorId}/deactivate`, key: survivor }),
        all[2]({ method: 'DELETE', path: `/auth/keys/${second.id}`, key: second.raw_key }),
      ]);
      const retired = answers.map(({ status }) => status < 300);
      expect(retired.filter(Boolean)).toHaveLength(1);
      expect(answers.find(({ status }) => status >= 300)?.json.code).toBe('last_active_api_key_required');
      if (retired[0]) {
        [survivor, survivorId] = [second.raw_key, second.id];
      }
    }
  });

  test('share a lock within a second', async () => {
    const { replicas } = await cluster(3, { KEYHEARTH_TRUSTED_PROXIES: '192.0.2.1' });
    const all = senders(replicas, '127.0.0.7');
    await register(client(replicas[0]?.origin ?? ''));
    for (let i = 0; i < 5; i++) await all[0]({ path: '/auth/verify', key: `${FIRST_KEY}-wrong` });
    await sleep(1_000);
    for (const send of all) {
      expect(await send({ path: '/auth/verify', key: FIRST_KEY })).toMatchObject({ status: 429 });
    }
    const elsewhere = senders(replicas, '127.0.0.8');
    for (const send of elsewhere) {
      expect(await send({ path: '/auth/verify', key: FIRST_KEY })).toMatchObject({ status: 200 });
    }
  });
});

test('an operator ends a lockout on both replicas, whichever is asked', async () => {
  const { replicas } = await cluster(2, { KEYHEARTH_TRUSTED_PROXIES: '192.0.2.1' });
  const all = senders(replicas);
  await register(all[0]);
  const [guess, elsewhere] = senders(replicas, '127.0.0.7');
  for (const operator of all.slice(0, 2)) {
    for (let i = 0; i < 5; i++) await guess({ path: '/auth/verify', key: `${FIRST_KEY}-wrong` });
    const statuses = async () =>
      (
        await Promise.all([guess, elsewhere].map((send) => send({ path: '/auth/verify', key: FIRST_KEY })))
      ).map(({ status }) => status);
    await expect.poll(statuses).toEqual([429, 429]);
    const { json } = await operator({ path: '/auth/lockouts', key: FIRST_KEY });
    expect(json.lockouts).toMatchObject([{ address: '127.0.0.7', locked_until: expect.any(Number) }]);
    const path = '/auth/lockouts/127.0.0.7';
    expect((await operator({ method: 'DELETE', path, key: FIRST_KEY })).status).toBe(204);
    await expect.poll(statuses).toEqual([200, 200]);
  }
});

test('a lock that cannot be sent, since the connection hangs, is sent over the next one', async () => {
  const { url, replicas, startReplica } = await cluster(1, { KEYHEARTH_TRUSTED_PROXIES: '192.0.2.1' });
  await register(client(replicas[0]?.origin ?? ''));
  expect(await freeze(url, 'select pg_notify%|listen%')).toBe(1);
  const [guess, elsewhere] = senders([...replicas, await startReplica()], '127.0.0.7');
  for (let i = 0; i < 5; i++) await guess({ path: '/auth/verify', key: `${FIRST_KEY}-wrong` });
  const verify = async () => (await elsewhere({ path: '/auth/verify', key: FIRST_KEY })).status;
  await expect.poll(verify).toBe(429);
});

test('replicas of two workers each count one lockout, share it, and refuse a revoked key in every worker', async () => {
  const { replicas } = await cluster(2, {
    KEYHEARTH_WORKERS: '2',
    KEYHEARTH_CACHE: 'on',
    KEYHEARTH_TRUSTED_PROXIES: '192.0.2.1',
  });
  const all = senders(replicas);
  await register(all[0]);
  const { json } = await all[0]({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: {} });
  /** Enough connections to reach every worker. */
  async function statusesOf(senders: readonly Send[], key: string): Promise<number[]> {
    const asking = senders.flatMap((send) =>
      Array.from({ length: 20 }, () => send({ path: '/auth/verify', key })),
    );
    return (await Promise.all(asking)).map(({ status }) => status);
  }
  expect(new Set(await statusesOf(all, json.raw_key))).toEqual(new Set([200]));
  await all[0]({ method: 'POST', path: `/auth/keys/${json.id}/deactivate`, key: FIRST_KEY });
  await sleep(1_000);
  expect(new Set(await statusesOf(senders(replicas, '127.0.0.6'), json.raw_key))).not.toContain(200);

  const [guess, elsewhere] = senders(replicas, '127.0.0.7');
  const answers = await statusesOf(Array(5).fill(guess), `${FIRST_KEY}-wrong`);
  expect(answers.filter((status) => status === 401)).toHaveLength(5);
  expect(answers.filter((status) => status === 429)).toHaveLength(95);
  await sleep(1_000);
  expect(new Set(await statusesOf([guess, elsewhere], FIRST_KEY))).toEqual(new Set([429]));

  for (const { child, ended } of replicas) {
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  }
});
