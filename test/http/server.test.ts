import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sendRaw } from '../support/http.ts';
import { bootstrapped, FIRST_KEY, service } from '../support/keyhearth.ts';

async function open(origin: string, options: { allowHalfOpen?: boolean } = {}): Promise<Socket> {
  const { port } = new URL(origin);
  const socket = connect({ port: Number(port), host: '127.0.0.1', ...options });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

/** All that arrives until the other side closes. */
function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  return new Promise((resolve) => socket.once('close', () => resolve(text)));
}

const GET_REDOC = 'GET /redoc HTTP/1.1\r\nHost: localhost\r\n\r\n';

describe('a client that asks and does not read', () => {
  test('is cut off when it has more than a few answers waiting', async () => {
    const { origin, send } = await service();
    const socket = await open(origin);
    socket.pause();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(GET_REDOC.repeat(200));
    await sleep(300);
    socket.resume();
    await closed;
    expect((await send('/health')).status).toBe(200);
  });

  test('may ask for a few things at once', async () => {
    const { origin } = await service();
    const socket = await open(origin);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(16));
    await expect.poll(() => text.split('HTTP/1.1 200 OK').length - 1).toBe(16);
  });
});

test('a guess that is followed by a reset counts against its sender', async () => {
  const { origin, log, send } = await bootstrapped();
  for (let i = 0; i < 5; i++) {
    const socket = await open(origin);
    socket.write(
      `GET /auth/keys HTTP/1.1\r\nHost: localhost\r\nX-API-Key: a-wrong-key-0123456789-0123456789-${i}\r\n\r\n`,
    );
    socket.resetAndDestroy();
  }
  const guesses = () => log.filter((line) => line.status === 401 || line.status === 429);
  await expect.poll(() => guesses().length).toBe(5);
  expect(new Set(guesses().map((line) => line.client))).toEqual(new Set(['127.0.0.1']));
  expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(429);
});

test('rubbish behind a request that is still under way is not answered in its place', async () => {
  const { origin } = await bootstrapped();
  const socket = await open(origin);
  const received = untilClosed(socket);
  socket.write(
    `POST /auth/keys HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${FIRST_KEY}\r\nContent-Length: 0\r\n\r\nrubbish\0\r\n\r\n`,
  );
  expect(await received).toBe('');
});

test('rubbish in the same packet does not take the place of an answer that comes at once', async () => {
  const { origin, send } = await bootstrapped();
  for (let i = 0; i < 5; i++) await send({ path: '/auth/verify', key: 'a-wrong-key-0123456789-0123456789' });
  const socket = await open(origin);
  const received = untilClosed(socket);
  socket.write(
    `GET /auth/verify HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${FIRST_KEY}\r\n\r\nrubbish\0\r\n\r\n`,
  );
  expect(await received).toMatch(
    /^HTTP\/1\.1 429 [\s\S]*"too_many_failed_attempts"[\s\S]*HTTP\/1\.1 400 [\s\S]*$/,
  );
});

test('a body that is not what its headers said is refused with a problem document', async () => {
  const { origin } = await bootstrapped();
  const socket = await open(origin);
  const received = untilClosed(socket);
  const head = `POST /auth/keys HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${FIRST_KEY}\r\nContent-Type: application/json`;
  socket.write(`${head}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  await sleep(100);
  socket.write('no chunk\r\n');
  const text = await received;
  expect(text).toMatch(/^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*"code":"malformed_request"/);
  expect(text.split('HTTP/1.1').length).toBe(2);
});

test.each([
  ['POST', '/health'],
  ['PUT', '/'],
  ['DELETE', '/auth/bootstrap-status'],
  ['PUT', '/auth/register-key'],
])('%s %s is a 405 before its body has arrived', async (method, path) => {
  const { origin } = await service();
  const socket = await open(origin);
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\nabc`);
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 405 /);
});

test('a Host that is no URL is a 400, and neither it nor the query is in the log', async () => {
  const { origin, log } = await bootstrapped({ env: { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' } });
  const lines = (method: string, path: string) =>
    `${method} ${path}?api_key=sentinel HTTP/1.1\r\nHost: 1.2.3.400\r\nX-API-Key: ${FIRST_KEY}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`;
  expect(await sendRaw(origin, lines('POST', '/auth/keys'))).toMatch(/^HTTP\/1\.1 400 /);
  expect(await sendRaw(origin, lines('POST', '/health'))).toMatch(/^HTTP\/1\.1 405 /);
  expect(JSON.stringify(log)).not.toMatch(/sentinel|1\.2\.3\.400|"error"/);
});

test('a peer that never closes its half after a refusal is let go of', async () => {
  const { origin } = await service();
  const socket = await open(origin, { allowHalfOpen: true });
  socket.write('rubbish\r\n\r\n');
  socket.resume();
  await new Promise((resolve) => socket.once('end', resolve));
  await sleep(50);
  const torn = new Promise((resolve) => socket.once('error', resolve));
  const writing = setInterval(() => socket.write('more'), 10);
  onTestFinished(() => clearInterval(writing));
  expect(await torn).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
});

test('a key that is revoked while its request is still under way changes nothing any more', async () => {
  const { origin, send } = await bootstrapped();
  const { json: second } = await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY });
  const answer = new Promise<number | undefined>((resolve, reject) => {
    const slow = request(
      `${origin}/auth/keys`,
      {
        method: 'POST',
        headers: { 'X-API-Key': second.raw_key, 'Content-Type': 'application/json', 'Content-Length': 17 },
      },
      (incoming) => {
        incoming.resume();
        resolve(incoming.statusCode);
      },
    );
    slow.on('error', reject);
    slow.write('{"label"');
    void sleep(300)
      .then(() => send({ method: 'DELETE', path: `/auth/keys/${second.id}`, key: FIRST_KEY }))
      .then(({ status }) => (status === 204 ? slow.end(': "late"}') : reject(new Error('not deleted'))));
  });
  expect(await answer).toBe(401);
  expect((await send({ path: '/auth/keys', key: FIRST_KEY })).json.keys).toHaveLength(1);
});
