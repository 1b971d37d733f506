import { describe, expect, onTestFinished, test } from 'vitest';
import { killDatabase, killReplicas } from '../../bench/cluster/crash.ts';
import { revoke, stopListeners, terminateListeners } from '../../bench/cluster/revocation.ts';
import { terminateConnections } from '../../bench/cluster/storm.ts';
import { caller, register } from '../../bench/cluster/traffic.ts';
import { type Cluster, startCluster } from '../../deploy/cluster/cluster.ts';

/** What `npm run bench` measures at full length. */

async function cluster(env: Record<string, string> = {}): Promise<Cluster> {
  const running = await startCluster(3, {
    KEYHEARTH_BCRYPT_COST: '10',
    KEYHEARTH_LOCKOUT_ATTEMPTS: '0',
    ...env,
  });
  onTestFinished(() => running.stop());
  await register(caller(running.replicas[0]?.origin ?? ''));
  return running;
}

describe('a revocation is seen by the other replicas', () => {
  test('at once, with the cache off', async () => {
    const { after, passed } = await revoke(await cluster(), 300);
    expect(after).toBeGreaterThan(300 * 16);
    expect(passed).toBe(0);
  }, 120_000);

  test('within a second, with the cache on', async () => {
    const { after, latestMs } = await revoke(await cluster({ KEYHEARTH_CACHE: 'on' }), 100);
    expect(after).toBeGreaterThan(100 * 16);
    expect(latestMs).toBeLessThan(1_000);
  }, 120_000);

  test('within two seconds, with the cache on, when their listeners are terminated just before', async () => {
    const running = await cluster({ KEYHEARTH_CACHE: 'on' });
    const { latestMs } = await revoke(running, 3, 2_200, () => terminateListeners(running.postgres.url));
    expect(latestMs).toBeLessThan(2_000);
  }, 120_000);

  test('within two seconds, with the cache on, when their listeners stand still', async () => {
    const running = await cluster({ KEYHEARTH_CACHE: 'on' });
    let resume: () => void = () => undefined;
    onTestFinished(() => resume());
    const { latestMs, passed } = await revoke(running, 3, 2_200, async () => {
      resume();
      resume = await stopListeners(running.postgres.url);
    });
    expect(latestMs).toBeLessThan(2_000);
    // Otherwise nothing was cached, and nothing was proven.
    expect(passed).toBeGreaterThan(0);
  }, 120_000);
});

test('connections that are terminated again and again cost 503s at the most', async () => {
  const { statuses, slowestMs, terminations, connectionsLeft } = await terminateConnections(
    await cluster(),
    8,
  );
  expect(terminations).toBeGreaterThan(100);
  expect([...statuses.keys()].filter((status) => ![200, 401, 503].includes(status))).toEqual([]);
  expect(statuses.get(200)).toBeGreaterThan(1_000);
  expect(slowestMs).toBeLessThan(5_000);
  expect(connectionsLeft).toBeLessThanOrEqual(3 * (5 + 1));
}, 120_000);

test('no key that was in an answer is lost when replicas and PostgreSQL are killed', async () => {
  const running = await cluster();
  const replicas = await killReplicas(running, 6);
  expect(replicas.lost).toBe(0);
  expect(replicas.acknowledged).toBeGreaterThan(10);
  const database = await killDatabase(running, 2);
  expect(database.lost).toBe(0);
  expect(database.acknowledged).toBeGreaterThan(5);
}, 120_000);
