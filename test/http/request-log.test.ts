import { describe, expect, test } from 'vitest';
import { client, sendRaw } from '../support/http.ts';
import {
  bootstrapped,
  FIRST_KEY,
  register,
  service,
  startProcess,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';

const WRONG = 'a-wrong-key-0123456789-0123456789-abc';

test('a request is one line: who did what, and how it went', async () => {
  const { send, log } = await bootstrapped();
  log.length = 0;
  const answer = await send({ path: '/auth/keys/1?x=1', key: FIRST_KEY });
  expect(log).toEqual([
    {
      level: 'info',
      time: expect.anything(),
      request_id: answer.headers['x-request-id'],
      method: 'GET',
      route: '/auth/keys/:id',
      status: 200,
      ms: expect.any(Number),
      client: '127.0.0.1',
      key_id: 1,
    },
  ]);
});

test('a refusal names the route that was asked for, and no key', async () => {
  const { send, log } = await bootstrapped();
  log.length = 0;
  await send({ method: 'DELETE', path: '/auth/keys/1', key: WRONG });
  await send({ path: '/no/such/path' });
  expect(log[0]).toMatchObject({
    method: 'DELETE',
    route: '/auth/keys/:id',
    status: 401,
    code: 'invalid_api_key',
  });
  expect(log[0]).not.toHaveProperty('key_id');
  expect(log[1]).toMatchObject({ method: 'GET', status: 401 });
  expect(log[1]).not.toHaveProperty('route');
});

test('the client is the one that a trusted proxy names', async () => {
  const { send, log } = await service({ env: { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' } });
  await send({ path: '/health', headers: { 'X-Forwarded-For': '192.0.2.1' } });
  expect(log.at(-1)).toMatchObject({ client: '192.0.2.1' });
});

test('no key, header, query, body or path of a request is ever in the log', async () => {
  const { child, send, stdout, stderr, ended } = await startProcess({
    KEYHEARTH_DATA_DIR: temporaryDirectory(),
    KEYHEARTH_LOG_LEVEL: 'trace',
    KEYHEARTH_BOOTSTRAP_TOKEN: 'a-bootstrap-token',
  });
  const secret = 'sentinel-0123456789-0123456789-0123456789';
  const json = { 'Content-Type': 'application/json' };
  await send({
    method: 'POST',
    path: '/auth/register-key',
    headers: { 'X-Bootstrap-Token': `${secret}-token` },
    body: {},
  });
  const token = { 'X-Bootstrap-Token': 'a-bootstrap-token' };
  for (const body of [
    `{"api_key": "${secret}`,
    { api_key: `${secret} ` },
    { api_key: secret, [secret]: 1 },
  ]) {
    await send({ method: 'POST', path: '/auth/register-key', headers: { ...token, ...json }, body });
  }
  await send({
    method: 'POST',
    path: '/auth/register-key',
    headers: token,
    body: { api_key: secret, label: 'sentinel-label' },
  });
  const created = await send({ method: 'POST', path: '/auth/keys', key: secret });
  await send({ path: `/auth/keys?api_key=${secret}`, key: secret });
  await send({ path: `/${secret}`, key: secret });
  await send({ path: `/auth/keys/${secret}`, key: secret });
  await send({
    path: '/auth/keys',
    headers: { 'X-API-Key': secret, Authorization: `Bearer ${secret}-other` },
  });
  await send({ path: '/auth/keys', headers: { Authorization: `Basic ${secret}` } });
  await send({ path: '/auth/keys', key: `${secret}-wrong` });
  child.kill('SIGTERM');
  await ended;
  const output = stdout() + stderr();
  expect(output).toContain('"status":401');
  expect(output).not.toContain('sentinel');
  expect(output).not.toContain('a-bootstrap-token');
  expect(output).not.toContain(created.json.raw_key);
});

test('at level warn, requests leave no line', async () => {
  const { send, log } = await service({ env: { KEYHEARTH_LOG_LEVEL: 'warn' } });
  await send('/health');
  await send('/auth/keys');
  expect(log).toEqual([]);
});

test('every line of the process is JSON with a level and a time, and is there within moments', async () => {
  const { send, stdout } = await startProcess({ KEYHEARTH_DATA_DIR: temporaryDirectory() });
  for (let i = 0; i < 10; i++) await send('/health');
  await expect
    .poll(
      () =>
        stdout()
          .split('\n')
          .filter((line) => line.includes('/health')).length,
    )
    .toBe(10);
  for (const line of stdout().trim().split('\n')) {
    expect(JSON.parse(line)).toMatchObject({ level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/) });
  }
});

describe('requests without a valid key', () => {
  type Line = { msg?: string; status?: number; client?: string; repeated?: number; statuses?: object };

  const requestLines = (log: Line[]) => log.filter(({ status }) => status !== undefined);

  test('are logged ten times for each client, and then counted; requests that a valid key may make are all logged', async () => {
    const { origin, send, log, close } = await startService({ env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '3' } });
    await register(send);
    log.length = 0;
    const guesser = client(origin, '127.0.0.2');
    for (let i = 0; i < 30; i++) await guesser({ path: '/auth/verify', key: WRONG });
    for (let i = 0; i < 30; i++) await send({ path: '/auth/keys', key: FIRST_KEY });
    await close();
    const ofClient = (address: string) => requestLines(log).filter(({ client: each }) => each === address);
    expect(ofClient('127.0.0.2')).toHaveLength(10);
    expect(ofClient('127.0.0.1')).toHaveLength(30);
    expect(log.filter(({ repeated }) => repeated !== undefined)).toEqual([
      {
        level: 'info',
        time: expect.anything(),
        client: '127.0.0.2',
        repeated: 20,
        statuses: { 429: 20 },
        msg: 'further requests of this client',
      },
    ]);
  });

  test('are limited in the same way for a valid key that may not make them', async () => {
    const { send, log, close } = await startService();
    await register(send);
    const body = { scopes: [] };
    const { json } = await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body });
    log.length = 0;
    for (let i = 0; i < 30; i++) await send({ path: '/auth/keys', key: json.raw_key });
    await close();
    // The registration was the first of the ten.
    expect(requestLines(log)).toHaveLength(9);
    expect(log.find(({ repeated }) => repeated !== undefined)).toMatchObject({ repeated: 21 });
  });

  test.each([
    ['an open route', 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['an unknown path', 'GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a method that is not allowed', 'DELETE /health HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a target that is not valid', 'GET http://a@b/ HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['bytes that are not HTTP', 'rubbish\r\n\r\n'],
    [
      'a body that is not JSON',
      'POST /auth/register-key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n{',
    ],
    ['a verification', 'GET /auth/verify HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ])('cannot flood the log by way of %s', async (_, request) => {
    const { origin, log } = await service();
    for (let i = 0; i < 15; i++)
      await sendRaw(origin, request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    expect(requestLines(log).length).toBeLessThanOrEqual(10);
  });
});
