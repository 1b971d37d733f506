import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { killDatabase, killReplicas } from '../../bench/cluster/crash.ts';
import { revoke, stopListeners, terminateListeners } from '../../bench/cluster/revocation.ts';
import { terminateConnections } from '../../bench/cluster/storm.ts';
import { caller, register } from '../../bench/cluster/traffic.ts';
import { type Cluster, startCluster } from '../../deploy/cluster/cluster.ts';
import { COMPILED } from '../support/compiled.ts';
import { LONG } from '../support/long.ts';

/** What `npm run bench` measures at full length. */

let plain: Cluster;
let cached: Cluster;

async function start(env: Record<string, string> = {}): Promise<Cluster> {
  const running = await startCluster(3, {
    ...COMPILED,
    KEYHEARTH_BCRYPT_COST: '10',
    KEYHEARTH_LOCKOUT_ATTEMPTS: '0',
    ...env,
  });
  await register(caller(running.replicas[0]?.origin ?? ''));
  return running;
}

beforeAll(async () => {
  [plain, cached] = await Promise.all([start(), start({ KEYHEARTH_CACHE: 'on' })]);
  return () => Promise.all([plain.stop(), cached.stop()]);
});

describe('a revocation is seen by the other replicas', () => {
  test('at once, with the cache off', async () => {
    const times = LONG ? 300 : 20;
    const { after, passed } = await revoke(plain, times);
    expect(after).toBeGreaterThan(times * 16);
    expect(passed).toBe(0);
  });

  test('within a second, with the cache on', async () => {
    const times = LONG ? 100 : 10;
    const { after, latestMs } = await revoke(cached, times);
    expect(after).toBeGreaterThan(times * 16);
    expect(latestMs).toBeLessThan(1_000);
  });

  test('within two seconds, with the cache on, when their listeners are terminated just before', async () => {
    const { latestMs } = await revoke(cached, LONG ? 3 : 1, 2_200, () =>
      terminateListeners(cached.postgres.url),
    );
    expect(latestMs).toBeLessThan(2_000);
  });

  test('within two seconds, with the cache on, when their listeners stand still', async () => {
    let resume: () => void = () => undefined;
    onTestFinished(() => resume());
    const { latestMs, passed } = await revoke(cached, LONG ? 3 : 1, 2_200, async () => {
      resume();
      resume = await stopListeners(cached.postgres.url);
    });
    expect(latestMs).toBeLessThan(2_000);
    // Otherwise nothing was cached, and nothing was proven.
    expect(passed).toBeGreaterThan(0);
  });
});

test('connections that are terminated again and again cost 503s at the most', async () => {
  const { statuses, slowestMs, terminations, connectionsLeft } = await terminateConnections(
    plain,
    LONG ? 8 : 2,
  );
  expect(terminations).toBeGreaterThan(LONG ? 100 : 30);
  expect([...statuses.keys()].filter((status) => ![200, 401, 503].includes(status))).toEqual([]);
  // Otherwise little was asked, and nothing was proven. How much it is depends on the machine.
  expect(statuses.get(200)).toBeGreaterThan(LONG ? 100 : 30);
  expect(slowestMs).toBeLessThan(5_000);
  expect(connectionsLeft).toBeLessThanOrEqual(3 * (5 + 1));
});

test('no key that was in an answer is lost when replicas and PostgreSQL are killed', async () => {
  const replicas = await killReplicas(plain, LONG ? 6 : 2);
  expect(replicas.lost).toBe(0);
  expect(replicas.acknowledged).toBeGreaterThan(LONG ? 10 : 3);
  const database = await killDatabase(plain, LONG ? 2 : 1);
  expect(database.lost).toBe(0);
  expect(database.acknowledged).toBeGreaterThan(LONG ? 5 : 2);
});
