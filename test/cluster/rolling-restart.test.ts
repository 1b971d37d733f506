import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { drive } from '../support/drive.ts';
import { FIRST_KEY, register } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';
import { startBalancer } from './balancer.ts';
import { onOnePostgres, senders } from './replicas.ts';

/** At full length, each of the three is replaced three times. */
const REPLACED = LONG ? 9 : 2;
const CLIENTS = LONG ? 16 : 2;
const PAUSE_MS = 10;

const cluster = onOnePostgres();

/** Verifies the first key over and over, on connections that stay open or on new ones. */
function verifying(origin: string, keepAlive: boolean) {
  const agent = new Agent({ keepAlive });
  onTestFinished(() => agent.destroy());
  const verify = () =>
    new Promise<number | undefined>((resolve, reject) => {
      request(`${origin}/auth/verify`, { agent, headers: { 'x-api-key': FIRST_KEY } }, (answer) => {
        answer.on('error', reject);
        answer.resume().on('end', () => resolve(answer.statusCode));
      })
        .on('error', reject)
        .end();
    });
  // A pause leaves the cores to the replicas that start.
  return drive(CLIENTS, () => sleep(PAUSE_MS).then(verify));
}

test(`replicas are replaced one by one, and no request fails, times: ${REPLACED}`, async () => {
  const { replicas, startReplica } = await cluster(3, { KEYHEARTH_SHUTDOWN_DELAY_SECONDS: '1' });
  await register(senders(replicas)[0]);
  const balancer = await startBalancer(replicas);
  const loads = [verifying(balancer.origin, true), verifying(balancer.origin, false)];

  const running = [...replicas];
  for (let replaced = 0; replaced < REPLACED; replaced++) {
    const fresh = await startReplica();
    await balancer.add(fresh);
    running.push(fresh);
    const old = running.shift();
    old?.child.kill('SIGTERM');
    expect(await old?.ended).toBe(0);
    expect(old && balancer.remove(old)).toBeGreaterThan(0);
  }

  expect(await Promise.all(loads.map((load) => load.stop()))).toEqual([[], []]);
  for (const load of loads) expect(load.answered()).toBeGreaterThan(100);
  // The last ones have served, too.
  for (const replica of running) expect(balancer.remove(replica)).toBeGreaterThan(0);
});
