import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { trackConnections } from '../../../src/http/server/connections.ts';
import { ClosableResponse } from '../../../src/http/server/last-answer.ts';
import { bootstrapped, FIRST_KEY, type Running, register, startService } from '../../support/keyhearth.ts';
import { connectRaw } from '../../support/raw.ts';

let keyhearth: Running;
beforeAll(async () => {
  keyhearth = await startService({ env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } });
  await register(keyhearth.send);
});
afterAll(() => keyhearth.close());

const open = (options = {}) => connectRaw(keyhearth.origin, options);

const get = (path: string, ...lines: string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: localhost', ...lines, '', ''].join('\r\n');

const WITH_KEY = `X-API-Key: ${FIRST_KEY}`;
const WITH_WRONG_KEY = 'X-API-Key: a-wrong-key-0123456789-0123456789';

/** Answers nothing by itself. */
async function slowServer() {
  const started: ServerResponse[] = [];
  const connections = trackConnections((_, response) => void started.push(response));
  const server = createServer({ ServerResponse: ClosableResponse }, connections.receive).on(
    'connection',
    connections.add,
  );
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, connections, started };
}

describe('requests that follow each other without waiting', () => {
  test('all get their answers, in their order, although they come in one packet', async () => {
    const raw = await open();
    const paths = Array.from({ length: 100 }, (_, i) => ['/health', '/meta', '/auth/verify'][i % 3] ?? '');
    raw.write(paths.map((path) => get(path, WITH_KEY)).join(''));
    const answers = await raw.untilAnswers(paths.length);
    const member = { '/health': '"status"', '/meta': '"key_headers"', '/auth/verify': '"valid"' };
    for (const [i, { status, body }] of answers.entries()) {
      expect(status).toBe(200);
      expect(body).toContain(member[paths[i] as keyof typeof member]);
    }
  });

  test('that wait for a slow one get their answers after it', async () => {
    const raw = await open();
    const create = `POST /auth/keys HTTP/1.1\r\nHost: localhost\r\n${WITH_KEY}\r\nContent-Length: 0\r\n\r\n`;
    raw.write(create.repeat(20) + get('/health', 'Connection: close'));
    expect(await raw.closed).toBeUndefined();
    expect(raw.answers().map(({ status }) => status)).toEqual([...Array(20).fill(201), 200]);
  });

  test('are worked on sixteen at a time, and while some wait no more are read', async () => {
    const { origin, connections, started } = await slowServer();
    const raw = await connectRaw(origin);
    const count = 20_000;
    raw.write(get('/').repeat(count));
    await expect.poll(() => started.length).toBe(16);
    await sleep(200);
    expect(started).toHaveLength(16);
    expect(connections.received()).toBeLessThan(5_000);
    for (let answered = 0; answered < count; answered++) {
      while (started.length === 0) await nextTurn();
      started.shift()?.end(String(answered));
      expect(started.length).toBeLessThanOrEqual(16);
    }
    await expect.poll(() => raw.text().endsWith('\r\n19999')).toBe(true);
  });

  test('do not fill the memory: of many clients that send thousands, the last ones are cut off', async () => {
    const { origin, connections } = await slowServer();
    const clients = [];
    for (let i = 0; i < 10; i++) {
      const raw = await connectRaw(origin);
      raw.write(get('/').repeat(5_000));
      clients.push(raw);
    }
    let cutOff = 0;
    for (const { closed } of clients) void closed.then(() => cutOff++);
    await expect.poll(() => cutOff).toBeGreaterThan(2);
    await sleep(200);
    expect(cutOff).toBeLessThan(10);
    expect(connections.received()).toBeLessThan(25_000);
  });
});

/** What answers without reading the body: routes without one, and each kind of refusal. */
const unread: [string, string, string[], number][] = [
  ['the fast verification', 'GET /auth/verify', [WITH_KEY], 200],
  ['a refused verification', 'GET /auth/verify', [WITH_WRONG_KEY], 401],
  ['a verification by the framework', 'GET /auth/verify?', [WITH_KEY], 200],
  ['a route that reads no body', 'GET /auth/keys', [WITH_KEY], 200],
  ['an open route', 'GET /health', [], 200],
  ['a method that an open path does not answer', 'POST /health', [], 405],
  ['another one', 'DELETE /auth/bootstrap-status', [], 405],
  ['another one, with a route beside it', 'PUT /auth/register-key', [], 405],
  ['no key', 'POST /auth/keys', [], 401],
  ['a wrong key', 'POST /auth/keys', [WITH_WRONG_KEY], 401],
  ['an unknown path', 'POST /nothing', [], 401],
  ['a Host that is not valid', 'POST /auth/keys', ['Host: a@b'], 400],
  ['a target that is not valid', 'POST /a\\b', ['Host: 1.2.3.400'], 400],
  ['a compressed body', 'POST /auth/keys', [WITH_KEY, 'Content-Encoding: gzip'], 415],
];

describe.each(unread)('after an answer without the body: %s', (_, line, lines, status) => {
  const headers = lines.some((each) => each.startsWith('Host:')) ? lines : ['Host: localhost', ...lines];
  const head = (...more: string[]) => [`${line} HTTP/1.1`, ...headers, ...more, '', ''].join('\r\n');

  test('the next request is answered when the body came with the headers', async () => {
    const raw = await open();
    raw.write(`${head('Content-Length: 5')}12345`);
    expect((await raw.untilAnswers(1))[0]?.status).toBe(status);
    raw.write(get('/meta'));
    expect((await raw.untilAnswers(2))[1]).toMatchObject({ status: 200 });
  });

  test('the next request is answered when the rest of a short body comes later', async () => {
    const raw = await open();
    raw.write(`${head('Content-Length: 60000')}123`);
    const [answer] = await raw.untilAnswers(1);
    expect(answer?.status).toBe(status);
    expect(answer?.headers.connection).toBe('keep-alive');
    raw.write('x'.repeat(59_997) + get('/meta'));
    expect((await raw.untilAnswers(2))[1]).toMatchObject({ status: 200 });
  });

  test.each([
    ['long', 'Content-Length: 10000000', '123'],
    ['of unknown length', 'Transfer-Encoding: chunked', '3\r\n123\r\n'],
  ])('the connection is closed when the body is %s, and the client learns why', async (_, header, begin) => {
    const raw = await open();
    raw.write(head(header) + begin);
    const [answer] = await raw.untilAnswers(1);
    // With a compressed body, too long a body is what is refused first.
    expect(answer?.status).toBe(status === 415 && begin === '123' ? 413 : status);
    expect(answer?.headers.connection).toBe('close');
    // It goes on sending, and no reset cuts that short.
    for (let i = 0; i < 20; i++) {
      raw.write('x'.repeat(10_000));
      await sleep(2);
    }
    expect(await raw.closed).toBeUndefined();
    expect(raw.answers()).toHaveLength(1);
  });
});

test('a client that goes on sending a body for ever is cut off', async () => {
  const raw = await open({ allowHalfOpen: true });
  raw.write('POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n');
  const sending = setInterval(() => raw.write('x'.repeat(10_000)), 10);
  const startedAt = performance.now();
  expect(await raw.closed).toMatch(/ECONNRESET|EPIPE/);
  clearInterval(sending);
  expect(raw.answers()).toMatchObject([{ status: 405 }]);
  expect(performance.now() - startedAt).toBeGreaterThan(1_500);
});

describe('a client that ends its side', () => {
  test.each([
    ['the fast path', get('/auth/verify', WITH_KEY), [200]],
    ['the framework', get('/auth/keys', WITH_KEY), [200]],
    [
      'a slow route',
      `POST /auth/keys HTTP/1.1\r\nHost: localhost\r\n${WITH_KEY}\r\nContent-Length: 0\r\n\r\n`,
      [201],
    ],
    ['several requests', get('/health').repeat(20), Array(20).fill(200)],
    ['half a request', 'GET /health HTTP/1.1\r\nHost', [400]],
    [
      'half a body',
      `POST /auth/keys HTTP/1.1\r\nHost: localhost\r\n${WITH_KEY}\r\nContent-Length: 9\r\n\r\n{`,
      [400],
    ],
  ])('gets its answers: %s', async (_, bytes, statuses) => {
    const raw = await open({ allowHalfOpen: true });
    raw.socket.end(bytes);
    expect(await raw.closed).toBeUndefined();
    expect(raw.answers().map(({ status }) => status)).toEqual(statuses);
  });
});

test('a guess that is followed by a reset counts against its sender', async () => {
  const { origin, log, send } = await bootstrapped();
  for (let i = 0; i < 5; i++) {
    const raw = await connectRaw(origin);
    raw.write(get('/auth/keys', `${WITH_WRONG_KEY}-${i}`));
    raw.socket.resetAndDestroy();
  }
  const guesses = () => log.filter((line) => line.status === 401 || line.status === 429);
  await expect.poll(() => guesses().length).toBe(5);
  expect(new Set(guesses().map((line) => line.client))).toEqual(new Set(['127.0.0.1']));
  expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(429);
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
