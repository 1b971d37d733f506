import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../deploy/cluster/free-port.ts';
import { client } from '../support/http.ts';
import { startStreamingService } from './streaming-service.ts';

const CONFIG = join(import.meta.dirname, '../../deploy/cluster/haproxy.cfg');
const env = { PATH: `${process.env.PATH}:/usr/sbin` };
const isInstalled = spawnSync('haproxy', ['-v'], { env }).error === undefined;

test.runIf(isInstalled)(
  'the proxy of the cluster passes 40 KB of headers on, and the true address',
  async () => {
    const replica = await startStreamingService();
    onTestFinished(() => replica.close());
    const address = `127.0.0.1:${replica.port}`;
    const bind = `127.0.0.1:${await freePort()}`;
    const replicas = { REPLICA_1: address, REPLICA_2: address, REPLICA_3: address };
    const proxy = spawn('haproxy', ['-db', '-f', CONFIG], {
      env: { ...env, BIND: bind, ...replicas },
      stdio: 'ignore',
    });
    onTestFinished(() => void proxy.kill('SIGKILL'));

    const send = client(`http://${bind}`, '127.0.0.9');
    const large = Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [`x-foreign-${i}`, 'f'.repeat(4_000)]),
    );
    const ask = () => send({ path: '/', headers: { ...large, 'X-Forwarded-For': '198.51.100.7' } });
    let answer = await ask().catch(() => undefined);
    while (answer === undefined || answer.status === 503) {
      await sleep(20);
      answer = await ask().catch(() => undefined);
    }
    expect(answer.status).toBe(200);
    expect(answer.json.headers).toMatchObject({ ...large, 'x-forwarded-for': '127.0.0.9' });
  },
);
