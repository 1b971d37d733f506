import { writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { fakeClock } from '../../support/fake-clock.ts';
import { gatewayService } from '../../support/gateway.ts';
import { FIRST_KEY, register } from '../../support/keyhearth.ts';
import { openSocket, refusalOf, socketUpstream } from '../../support/websockets.ts';

const DECLARED = 'declared-key-of-the-tests-0123456789';
const PATH = '/v1/responses';

/** Only the test makes an interval pass. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
});

const bearer = (key: string) => ({ headers: { Authorization: `Bearer ${key}` } });

/** The whole service, with a declared key and an upstream that sends every message back. */
async function start() {
  const upstream = await socketUpstream();
  const text = (keys: readonly string[]) =>
    `api-keys: ${JSON.stringify(keys)}\ncodex-api-key: [{ api-key: upstream-key-0123456789, base-url: "${upstream.origin}" }]\n`;
  const time = fakeClock();
  const running = await gatewayService(text([DECLARED]), { clock: time.clock });
  await register(running.send);
  return { ...running, ...time, upstream, text };
}

type Started = Awaited<ReturnType<typeof start>>;

async function createKey({ send }: Started, settings: object) {
  const { json } = await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: settings });
  return json as { id: number; raw_key: string };
}

test('a declared key, and a key of the key store with the scope, open WebSockets', async () => {
  const started = await start();
  const { gatewayOrigin, upstream } = started;
  const usable = await createKey(started, { scopes: ['gateway:use'] });
  const other = await createKey(started, { scopes: ['keys:read'] });
  for (const key of [DECLARED, usable.raw_key]) {
    const { socket, next } = await openSocket(gatewayOrigin, PATH, bearer(key));
    socket.send('hello');
    expect(String((await next()).data)).toBe('hello');
  }
  expect((await refusalOf(openSocket(gatewayOrigin, PATH, bearer(other.raw_key)))).status).toBe(403);
  expect((await refusalOf(openSocket(gatewayOrigin, PATH, bearer('wrong-key-0123456789')))).status).toBe(401);
  expect(upstream.requests.map(({ headers }) => headers.authorization)).toEqual(
    Array(2).fill('Bearer upstream-key-0123456789'),
  );
});

test('pages have five guesses, and lock neither programs nor the core out', async () => {
  const started = await start();
  const { gatewayOrigin } = started;
  const fromPage = (key: string) =>
    openSocket(gatewayOrigin, `${PATH}?key=${key}`, {
      headers: {
        Origin: 'https://page.example',
        'Sec-Fetch-Site': 'cross-site',
        'Sec-Fetch-Mode': 'websocket',
      },
    });
  for (let i = 0; i < 5; i++)
    expect((await refusalOf(fromPage(`wrong-key-of-a-page-${i}`))).status).toBe(401);
  expect((await refusalOf(fromPage(DECLARED))).status).toBe(429);
  await openSocket(gatewayOrigin, PATH, bearer(DECLARED));
  expect((await started.send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
});

test('is one verification of the key, and is not in the usage of models', async () => {
  const { gatewayOrigin, send } = await start();
  const { socket, next } = await openSocket(gatewayOrigin, PATH, bearer(DECLARED));
  for (let i = 0; i < 3; i++) socket.send('{"type":"response.completed","response":{"model":"gpt-5"}}');
  for (let i = 0; i < 3; i++) await next();
  const usage = await send({ path: '/auth/gateway/usage', key: FIRST_KEY });
  expect(usage).toMatchObject({ status: 200, json: { usage: [] } });
  // Uses are written every five seconds.
  vi.advanceTimersByTime(5_000);
  const read = async () => (await send({ path: '/auth/keys?source=config', key: FIRST_KEY })).json.keys;
  await vi.waitFor(async () => expect(await read()).toMatchObject([{ use_count: 1 }]));
});

test('max_concurrent limits the open sockets of a key, and a socket that closes makes room', async () => {
  const started = await start();
  const { gatewayOrigin } = started;
  const { raw_key: key } = await createKey(started, { scopes: ['gateway:use'], max_concurrent: 1 });
  const { socket } = await openSocket(gatewayOrigin, PATH, bearer(key));
  expect((await refusalOf(openSocket(gatewayOrigin, PATH, bearer(key)))).status).toBe(429);
  socket.close();
  await vi.waitFor(() => openSocket(gatewayOrigin, PATH, bearer(key)), { timeout: 60_000 });
});

describe('an open socket is closed within five seconds when its key', () => {
  const CHECK_MS = 5_000;

  test.each<[string, object, (started: Started, id: number) => unknown]>([
    [
      'is deactivated',
      {},
      ({ send }, id) => send({ method: 'POST', path: `/auth/keys/${id}/deactivate`, key: FIRST_KEY }),
    ],
    [
      'is deleted',
      {},
      ({ send }, id) => send({ method: 'DELETE', path: `/auth/keys/${id}`, key: FIRST_KEY }),
    ],
    ['expires', { expires_in: 60 }, ({ pass }) => pass(61)],
    [
      'loses the scope',
      {},
      ({ send }, id) =>
        send({
          method: 'PATCH',
          path: `/auth/keys/${id}`,
          key: FIRST_KEY,
          body: { scopes: ['keys:read'] },
        }),
    ],
    [
      'is no longer allowed from the address',
      {},
      ({ send }, id) =>
        send({
          method: 'PATCH',
          path: `/auth/keys/${id}`,
          key: FIRST_KEY,
          body: { allowed_ips: ['192.0.2.0/24'] },
        }),
    ],
  ])('%s', async (_, settings, revoke) => {
    const started = await start();
    const key = await createKey(started, { scopes: ['gateway:use'], ...settings });
    const { socket, next, closed } = await openSocket(started.gatewayOrigin, PATH, bearer(key.raw_key));
    vi.advanceTimersByTime(CHECK_MS);
    socket.send('still valid');
    await next();
    await revoke(started, key.id);
    vi.advanceTimersByTime(CHECK_MS);
    expect(await closed).toEqual({ code: 1008, reason: 'Invalid API key.' });
  });
});

test('a socket is closed when its key leaves the file', async () => {
  const { gatewayOrigin, file, text } = await start();
  const { closed } = await openSocket(gatewayOrigin, PATH, bearer(DECLARED));
  writeFileSync(file, `port: 0\n${text(['another-key-of-the-tests-0123456789'])}`);
  expect(await closed).toEqual({ code: 1008, reason: 'Invalid API key.' });
});
