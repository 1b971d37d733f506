import { expect, test } from 'vitest';
import { freePort } from '../../deploy/cluster/free-port.ts';
import { client, type Send } from '../support/http.ts';
import {
  FIRST_KEY,
  register,
  service,
  spawnProcess,
  sqlIn,
  startProcess,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';
import { LONG, SEVERAL } from '../support/long.ts';

const WRONG = 'a-wrong-key-0123456789-0123456789-abc';

const MANY = LONG ? '8' : '4';

const start = (env: Record<string, string> = {}) =>
  startProcess({ KEYHEARTH_DATA_DIR: temporaryDirectory(), KEYHEARTH_WORKERS: SEVERAL, ...env });

const hundred = (send: Send, key: string) =>
  Promise.all(
    Array.from({ length: 100 }, () => send({ path: '/auth/verify', key, headers: { Connection: 'close' } })),
  );

const count = (answers: { status: number }[], status: number) =>
  answers.filter((answer) => answer.status === status).length;

test('of 100 wrong keys at once 5 learn their result, whichever workers they reach; then no key passes, until an operator ends the lockout at one of them', async () => {
  const { origin, send } = await start();
  await register(send);
  const operator = client(origin, '127.0.0.9');
  const close = { Connection: 'close' };
  for (let round = 0; round < (LONG ? 10 : 2); round++) {
    expect(count(await hundred(send, FIRST_KEY), 200)).toBe(100);
    const answers = await hundred(send, WRONG);
    expect([count(answers, 401), count(answers, 429)]).toEqual([5, 95]);
    const remaining = answers.map(({ json }) => /(\d) attempts/.exec(json.detail)?.[1]).filter(Boolean);
    expect(remaining.sort()).toEqual(['0', '1', '2', '3', '4']);
    expect(count(await hundred(send, FIRST_KEY), 429)).toBe(100);
    const { json } = await operator({ path: '/auth/lockouts', key: FIRST_KEY, headers: close });
    expect(json.lockouts).toMatchObject([{ address: '127.0.0.1', failures: 5 }]);
    const path = '/auth/lockouts/127.0.0.1';
    const answer = await operator({ method: 'DELETE', path, key: FIRST_KEY, headers: close });
    expect(answer.status).toBe(204);
  }
  expect(count(await hundred(send, FIRST_KEY), 200)).toBe(100);
});

test('a hundred registrations at once: one 201, the rest 409', async () => {
  const { send } = await start();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      send({
        method: 'POST',
        path: '/auth/register-key',
        headers: { Connection: 'close' },
        body: { api_key: `${FIRST_KEY}-${i}` },
      }),
    ),
  );
  expect([count(answers, 201), count(answers, 409)]).toEqual([1, 99]);
});

test('one line says that it starts, one signal stops all, and what was in flight is answered', async () => {
  const { origin, send, child, stdout, stderr, ended } = await start({ KEYHEARTH_BCRYPT_COST: '11' });
  await register(send);
  expect(stdout().match(/Keyhearth listens/g)).toHaveLength(1);
  const inFlight = Array.from({ length: 12 }, () =>
    client(origin)({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: { label: 'in flight' } }),
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  child.kill('SIGTERM');
  expect(count(await Promise.all(inFlight), 201)).toBe(12);
  expect(await ended).toBe(0);
  expect(stderr()).toBe('');
  expect(stdout().match(/"msg":"stopped"/g)).toHaveLength(1);
  // The lines of all workers have arrived, each whole.
  const lines = stdout()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.filter((line) => line.route === '/auth/keys' && line.status === 201)).toHaveLength(12);
});

test('a signal while workers are still starting loses nothing either', async () => {
  const env = { KEYHEARTH_DATA_DIR: temporaryDirectory(), PORT: String(await freePort()) };
  const before = await startService({ dataDir: env.KEYHEARTH_DATA_DIR });
  await register(before.send);
  await before.close();
  const { child, ended, stdout } = spawnProcess({ ...env, KEYHEARTH_WORKERS: MANY });
  const send = client(`http://127.0.0.1:${env.PORT}`);
  const answers = () => send({ path: '/auth/verify', key: FIRST_KEY }).catch(() => undefined);
  await expect.poll(async () => (await answers())?.status, { interval: 5 }).toBe(200);
  expect(stdout()).not.toContain('Keyhearth listens');
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(stdout()).toContain('"msg":"stopped"');
  const after = await service({ dataDir: env.KEYHEARTH_DATA_DIR });
  expect((await after.send({ path: '/auth/keys/1', key: FIRST_KEY })).json.use_count).toBeGreaterThan(0);
});

test('of two services that start on one port at the same moment one is refused', async () => {
  const port = String(await freePort());
  const start = () =>
    spawnProcess({ KEYHEARTH_DATA_DIR: temporaryDirectory(), PORT: port, KEYHEARTH_WORKERS: '2' });
  for (let round = 0; round < (LONG ? 3 : 1); round++) {
    const both = [start(), start()];
    const first = await Promise.race(both.map(async (one, i) => ({ i, code: await one.ended })));
    expect(first.code).toBe(1);
    expect(both[first.i]?.stderr()).toMatch(/^keyhearth: Port \d+ on 127\.0\.0\.1 is in use/);
    const other = both[1 - first.i];
    await expect.poll(() => other?.stdout()).toContain('Keyhearth listens');
    other?.child.kill('SIGTERM');
    expect(await other?.ended).toBe(0);
  }
});

test('what the workers counted is one sum: of a key, and of refused registrations, of which they record ten in a minute', async () => {
  const env = { KEYHEARTH_DATA_DIR: temporaryDirectory(), KEYHEARTH_WORKERS: SEVERAL };
  const first = await startProcess(env);
  await register(first.send);
  for (let i = 0; i < 3; i++) await hundred(first.send, FIRST_KEY);
  const refuse = () =>
    first.send({
      method: 'POST',
      path: '/auth/register-key',
      headers: { Connection: 'close' },
      body: { api_key: FIRST_KEY },
    });
  const answers = await Promise.all(Array.from({ length: 300 }, refuse));
  expect(count(answers, 409)).toBe(300);
  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(0);

  const rows = await sqlIn(
    env.KEYHEARTH_DATA_DIR,
    "select changes from audit_events where action = 'bootstrap.refused'",
  );
  const omitted = rows.map(({ changes }) => JSON.parse(String(changes)).omitted?.to ?? 0);
  const recorded = omitted.filter((sum) => sum === 0).length;
  // The minute may change meanwhile.
  expect([10, 20]).toContain(recorded);
  expect(recorded + omitted.reduce((sum, each) => sum + each, 0)).toBe(300);

  const second = await service({ dataDir: env.KEYHEARTH_DATA_DIR });
  expect((await second.send({ path: '/auth/keys/1', key: FIRST_KEY })).json.use_count).toBe(300);
  for (const path of ['/auth/keys/1/usage', '/auth/usage']) {
    const { buckets } = (await second.send({ path, key: FIRST_KEY })).json;
    expect(buckets.reduce((sum: number, { valid }: { valid: number }) => sum + valid, 0)).toBe(300);
  }
});
