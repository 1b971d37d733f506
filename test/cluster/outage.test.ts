import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Replica } from '../../deploy/cluster/cluster.ts';
import { FIRST_KEY, register } from '../support/keyhearth.ts';
import { query } from '../support/postgres.ts';
import { backends, cluster, freeze, senders } from './replicas.ts';

describe('when the database goes away', () => {
  test('nobody passes, every answer says when to come again, and it is logged once; it resumes by itself', async () => {
    const { postgres, replicas } = await cluster(1);
    const [send] = senders(replicas);
    const replica = replicas[0] as Replica;
    await register(send);
    await postgres.stop();
    for (let i = 0; i < 100; i++) {
      const answer = await send({ path: '/auth/verify', key: FIRST_KEY });
      expect(answer).toMatchObject({ status: 503, json: { code: 'database_unavailable' } });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    const changing = await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: {} });
    expect(changing.status).toBe(503);
    const health = await send('/health');
    expect(health).toMatchObject({
      status: 503,
      json: { detail: 'The database cannot be reached at the moment. Try again in a moment.' },
    });
    await postgres.start();
    const back = performance.now();
    await expect
      .poll(async () => (await send({ path: '/auth/verify', key: FIRST_KEY })).status, {
        timeout: 5_000,
        interval: 20,
      })
      .toBe(200);
    expect(performance.now() - back).toBeLessThan(2_000);
    expect((await send('/health')).status).toBe(200);
    await sleep(200);
    expect(replica.log().match(/the database cannot be reached/g)).toHaveLength(1);
    expect(replica.log().match(/the database is back/g)).toHaveLength(1);
    expect(replica.log()).not.toContain('a request failed');
    expect(replica.log()).not.toContain('database_unavailable');
  });

  test('connections that hang are given up together, and made anew', async () => {
    const { postgres, replicas } = await cluster(1);
    const [send] = senders(replicas);
    await register(send);
    const keys = { path: '/auth/keys', key: FIRST_KEY };
    await Promise.all(Array.from({ length: 20 }, () => send(keys)));
    const connections = await query<{ pid: number }>(
      postgres.url,
      "select pid from pg_stat_activity where application_name = 'keyhearth' and pid <> pg_backend_pid()",
    );
    expect(connections.length).toBeGreaterThan(3);
    const signal = (name: NodeJS.Signals) => {
      for (const { pid } of connections) process.kill(pid, name);
    };
    signal('SIGSTOP');
    onTestFinished(() => signal('SIGCONT'));
    expect((await send(keys)).status).toBe(503);
    const start = performance.now();
    await expect.poll(async () => (await send(keys)).status, { timeout: 5_000 }).toBe(200);
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  test('what was lost together is lost once: an old connection does not take the database away again', async () => {
    const { postgres, replicas } = await cluster(1);
    const [send] = senders(replicas);
    await register(send);
    const verify = async () => (await send({ path: '/auth/verify', key: FIRST_KEY })).status;
    const lookups = '%unnest($1%';
    // The second connection for reads is made when two reads meet.
    await expect
      .poll(
        async () => {
          await Promise.all(Array.from({ length: 40 }, verify));
          return (await backends(postgres.url, lookups)).length;
        },
        { timeout: 10_000 },
      )
      .toBe(2);
    expect(await freeze(postgres.url, lookups)).toBe(2);
    const first = verify();
    await sleep(3_000);
    const second = verify();
    expect(await first).toBe(503);
    await expect.poll(verify, { timeout: 2_000 }).toBe(200);
    const until = performance.now() + 4_000;
    while (performance.now() < until) {
      expect(await verify()).toBe(200);
      await sleep(10);
    }
    expect([200, 503]).toContain(await second);
    expect(replicas[0]?.log().match(/cannot be reached/g)).toHaveLength(1);
  });

  test('a server that has stopped dead is noticed, and nobody waits for it any more', async () => {
    const { postgres, replicas } = await cluster(1);
    const [send] = senders(replicas);
    await register(send);
    const connections = await query<{ pid: number }>(postgres.url, 'select pid from pg_stat_activity');
    const pids = [postgres.pid(), ...connections.map(({ pid }) => pid)];
    const signal = (name: NodeJS.Signals) => {
      for (const pid of pids) {
        try {
          process.kill(pid, name);
        } catch {
          // It was that of the query above.
        }
      }
    };
    signal('SIGSTOP');
    try {
      expect((await send({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(503);
      const start = performance.now();
      for (let i = 0; i < 20; i++) {
        expect((await send({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(503);
      }
      expect(performance.now() - start).toBeLessThan(1_000);
    } finally {
      signal('SIGCONT');
    }
    await expect
      .poll(async () => (await send({ path: '/auth/verify', key: FIRST_KEY })).status, { timeout: 5_000 })
      .toBe(200);
  });
});
