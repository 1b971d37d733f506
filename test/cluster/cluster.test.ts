import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Cluster, type Replica, startCluster } from '../../deploy/cluster/cluster.ts';
import { client, type Send } from '../support/http.ts';
import { COMPILED, FIRST_KEY, register } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';
import { createDatabase, query } from '../support/postgres.ts';

/** Has the backends whose latest query is like this stand still, until the test is over. */
async function freeze(url: string, pattern: string): Promise<number> {
  const backends = await query<{ pid: number }>(
    url,
    'select pid from pg_stat_activity where query like any($1) and pid <> pg_backend_pid()',
    [pattern.split('|')],
  );
  const signal = (name: NodeJS.Signals) => {
    for (const { pid } of backends) process.kill(pid, name);
  };
  signal('SIGSTOP');
  onTestFinished(() => signal('SIGCONT'));
  return backends.length;
}

async function cluster(replicas: number, env: Record<string, string> = {}): Promise<Cluster> {
  const running = await startCluster(
    replicas,
    { ...COMPILED, KEYHEARTH_BCRYPT_COST: '10', ...env },
    { fsync: 'off' },
  );
  onTestFinished(() => running.stop());
  return running;
}

const senders = (replicas: readonly Replica[], from?: string) =>
  replicas.map(({ origin }) => client(origin, from)) as [Send, Send, Send];

describe('three replicas', () => {
  test(`register exactly one of a hundred keys, ${LONG ? 5 : 2} times in a row`, async () => {
    const { postgres, startReplica } = await cluster(0);
    for (let round = 0; round < (LONG ? 5 : 2); round++) {
      const DATABASE_URL = await createDatabase(postgres.url, `race_${round}`);
      const replicas = await Promise.all([1, 2, 3].map(() => startReplica({ DATABASE_URL })));
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
      expect(await query(DATABASE_URL, 'select id from api_keys')).toHaveLength(1);
      for (const { child, ended } of replicas) {
        child.kill('SIGKILL');
        await ended;
      }
    }
  }, 120_000);

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
  }, 60_000);

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
  }, 60_000);
});

test('a lock that cannot be sent, since the connection hangs, is sent over the next one', async () => {
  const { postgres, replicas, startReplica } = await cluster(1, { KEYHEARTH_TRUSTED_PROXIES: '192.0.2.1' });
  await register(client(replicas[0]?.origin ?? ''));
  expect(await freeze(postgres.url, 'select pg_notify%|listen%')).toBe(1);
  const [guess, elsewhere] = senders([...replicas, await startReplica()], '127.0.0.7');
  for (let i = 0; i < 5; i++) await guess({ path: '/auth/verify', key: `${FIRST_KEY}-wrong` });
  const verify = async () => (await elsewhere({ path: '/auth/verify', key: FIRST_KEY })).status;
  await expect.poll(verify, { timeout: 10_000 }).toBe(429);
}, 60_000);

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
}, 60_000);

describe('replicas that start', () => {
  test('at the same moment migrate an empty database once, all ten of them', async () => {
    const { postgres, startReplica } = await cluster(0);
    const replicas = await Promise.all(Array.from({ length: 10 }, () => startReplica()));
    const names = await query(postgres.url, 'select name from kysely_migration order by name');
    expect(names.map(({ name }) => name)).toEqual([
      '0001_initial',
      '0002_use_count',
      '0003_announce_changes',
    ]);
    for (const send of senders(replicas)) expect((await send('/health')).status).toBe(200);
  }, 60_000);

  const refusal = async (starting: Promise<unknown>): Promise<string> =>
    starting.then(
      () => 'it serves',
      (error: Error) => error.message,
    );

  test('with an older version than the schema are refused', async () => {
    const { postgres, startReplica } = await cluster(1);
    await query(postgres.url, "insert into kysely_migration values ('9999_later', '2040-01-01')");
    expect(await refusal(startReplica())).toMatch(
      /ended with 1: keyhearth: The database was migrated to 9999_later by a newer Keyhearth.*Start the newer version/,
    );
  }, 60_000);

  test('with another pepper are refused', async () => {
    const { startReplica } = await cluster(1);
    expect(await refusal(startReplica({ KEYHEARTH_PEPPER: 'ab'.repeat(32) }))).toMatch(
      /ended with 1: keyhearth: The pepper does not fit the database postgres:\/\/127\.0\.0\.1:\d+\/postgres;/,
    );
  }, 60_000);

  test('on a standby are refused', async () => {
    const { postgres, startReplica } = await cluster(1);
    await postgres.stop();
    writeFileSync(join(postgres.directory, 'data', 'standby.signal'), '');
    // It never says that it takes connections, only that it takes those that read: this fails when it is removed.
    postgres.start().catch(() => undefined);
    const isStandby = () => query(postgres.url, 'select pg_is_in_recovery() as yes').catch(() => undefined);
    await expect.poll(isStandby, { timeout: 10_000 }).toEqual([{ yes: true }]);
    expect(await refusal(startReplica())).toMatch(
      /ended with 1: keyhearth: .*standby.* must name the primary/,
    );
  }, 60_000);

  test('with a bad password or address say so, and never say the password', async () => {
    const { postgres, startReplica } = await cluster(0);
    for (const change of [
      { password: 'geheim-und-falsch' },
      { port: '1' },
      { pathname: '/nowhere' },
      { hostname: 'no-such-host.invalid' },
    ]) {
      const url = new URL(postgres.url);
      const { password } = url;
      Object.assign(url, change);
      const said = await refusal(startReplica({ DATABASE_URL: url.href }));
      expect(said).toMatch(
        /ended with 1: keyhearth: Cannot use the database postgres:\/\/\S+ \(.+\); check DATABASE_URL/,
      );
      expect(said).not.toContain(password);
      expect(said).not.toContain('geheim');
    }
  }, 60_000);
});

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
  }, 60_000);

  test('connections that hang are given up together, and made anew', async () => {
    const { postgres, replicas } = await cluster(1);
    const [send] = senders(replicas);
    await register(send);
    const keys = { path: '/auth/keys', key: FIRST_KEY };
    await Promise.all(Array.from({ length: 20 }, () => send(keys)));
    const backends = await query<{ pid: number }>(
      postgres.url,
      "select pid from pg_stat_activity where application_name = 'keyhearth' and pid <> pg_backend_pid()",
    );
    expect(backends.length).toBeGreaterThan(3);
    const signal = (name: NodeJS.Signals) => {
      for (const { pid } of backends) process.kill(pid, name);
    };
    signal('SIGSTOP');
    onTestFinished(() => signal('SIGCONT'));
    expect((await send(keys)).status).toBe(503);
    const start = performance.now();
    await expect.poll(async () => (await send(keys)).status, { timeout: 5_000 }).toBe(200);
    expect(performance.now() - start).toBeLessThan(2_000);
  }, 60_000);

  test('what was lost together is lost once: an old connection does not take the database away again', async () => {
    const { postgres, replicas } = await cluster(1);
    const [send] = senders(replicas);
    await register(send);
    const verify = async () => (await send({ path: '/auth/verify', key: FIRST_KEY })).status;
    for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 40 }, verify));
    expect(await freeze(postgres.url, '%any($1%|select%from "bootstrap_claim"%')).toBe(2);
    const first = verify();
    await sleep(3_000);
    const second = verify();
    expect(await first).toBe(503);
    await expect.poll(verify, { timeout: 2_000 }).toBe(200);
    const until = performance.now() + 4_000;
    while (performance.now() < until) expect(await verify()).toBe(200);
    expect([200, 503]).toContain(await second);
    expect(replicas[0]?.log().match(/cannot be reached/g)).toHaveLength(1);
  }, 60_000);

  test('a server that has stopped dead is noticed, and nobody waits for it any more', async () => {
    const { postgres, replicas } = await cluster(1);
    const [send] = senders(replicas);
    await register(send);
    const backends = await query<{ pid: number }>(postgres.url, 'select pid from pg_stat_activity');
    const pids = [postgres.pid(), ...backends.map(({ pid }) => pid)];
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
  }, 60_000);
});
