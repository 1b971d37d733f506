import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { errorCode } from '../../src/lib/error-code.ts';
import {
  FIRST_KEY,
  type Process,
  register,
  service,
  startProcess,
  temporaryDirectory,
} from '../support/keyhearth.ts';
import { connectRaw } from '../support/raw.ts';

/** Far below the ten seconds of grace, far above what a stop takes when nothing is in its way. */
const SOON_MS = 3_000;

const GRACE_MS = 10_000;

/** Far above what a few requests take, also on a busy machine. */
const DELAY_MS = 10_000;

async function startRegistered(env: Record<string, string> = {}): Promise<Process & { dataDir: string }> {
  const dataDir = temporaryDirectory();
  const process = await startProcess({ KEYHEARTH_DATA_DIR: dataDir, ...env });
  await register(process.send);
  return { ...process, dataDir };
}

const messages = ({ stdout }: Process): string[] =>
  stdout()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).msg);

async function open(origin: string): Promise<Socket> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

type InFlight = { received: () => string; closed: Promise<unknown> };

/** Asks for a new key, and returns when the service is at it: that is when it says "100 Continue". */
async function askForKey({ origin }: Process, part: 'whole' | 'beginning'): Promise<InFlight> {
  const socket = await open(origin);
  const body = JSON.stringify({ label: 'asked for at the last moment' });
  const head = [
    'POST /auth/keys HTTP/1.1',
    'Host: localhost',
    `X-API-Key: ${FIRST_KEY}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Expect: 100-continue',
  ];
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  const closed = once(socket, 'close');
  socket.write(`${head.join('\r\n')}\r\n\r\n${part === 'whole' ? body : body.slice(0, 9)}`);
  await once(socket, 'data');
  expect(received).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  received = '';
  return { received: () => received, closed };
}

async function millisecondsUntil(ended: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await ended;
  return performance.now() - start;
}

/** A client whose first packet falls on a full queue would try again a second later, so this does not wait for it. */
async function untilConnectionsAreRefused(origin: string): Promise<void> {
  const { hostname, port } = new URL(origin);
  for (;;) {
    const socket = connect(Number(port), hostname);
    const refused = new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false));
      socket.once('error', (error) => resolve(errorCode(error) === 'ECONNREFUSED'));
      socket.setTimeout(50, () => resolve(false));
    });
    const isRefused = await refused;
    socket.destroy();
    if (isRefused) return;
    await sleep(5);
  }
}

describe.each(['SIGTERM', 'SIGINT'] as const)('at %s', (signal) => {
  test('new connections are refused while a request in flight is finished and answered; then it ends with 0', async () => {
    const process = await startRegistered({ KEYHEARTH_BCRYPT_COST: '13' });
    const { received, closed } = await askForKey(process, 'whole');
    process.child.kill(signal);
    await untilConnectionsAreRefused(process.origin);
    expect(received()).toBe('');

    await closed;
    const [head = '', body = ''] = received().split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 201 [\s\S]*^Connection: close$/m);
    expect(await process.ended).toBe(0);
    expect(messages(process).at(-1)).toBe('stopped');
    expect(process.stderr()).toBe('');

    const again = await service({ dataDir: process.dataDir });
    expect((await again.send({ path: '/auth/keys', key: JSON.parse(body).raw_key })).status).toBe(200);
  });

  test('connections that are kept alive and idle do not hold it up, and what is only in memory is written: when a key was last used, with nothing left to recover', async () => {
    const process = await startRegistered();
    const before = Date.now();
    const list = await process.send({ path: '/auth/keys', key: FIRST_KEY });
    expect(list.json.keys[0].last_used_at).toBeNull();
    const idle = await Promise.all(Array.from({ length: 5 }, () => open(process.origin)));
    for (const socket of idle) {
      socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
      const [answer] = await once(socket, 'data');
      expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
    }
    const closed = Promise.all(idle.map((socket) => once(socket, 'close')));
    process.child.kill(signal);
    expect(await millisecondsUntil(process.ended)).toBeLessThan(SOON_MS);
    expect(await process.ended).toBe(0);
    expect(messages(process).at(-1)).toBe('stopped');
    await closed;

    expect(readdirSync(process.dataDir).sort()).toEqual(['keyhearth.db', 'pepper', 'pepper.database-id']);
    const sqlite = new SqliteDatabase(join(process.dataDir, 'keyhearth.db'), { readonly: true });
    onTestFinished(() => void sqlite.close());
    expect(sqlite.pragma('integrity_check', { simple: true })).toBe('ok');
    const lastUsedAt = sqlite.prepare('select last_used_at from api_keys').pluck().get();
    expect(lastUsedAt).toBeGreaterThanOrEqual(before);
    expect(lastUsedAt).toBeLessThanOrEqual(Date.now());
  });
});

test('a connection over which nothing was ever asked does not hold a stop up', async () => {
  const process = await startRegistered();
  await open(process.origin);
  // Accepted after the one before it.
  await process.send('/health');
  process.child.kill('SIGTERM');
  expect(await millisecondsUntil(process.ended)).toBeLessThan(SOON_MS);
  expect(await process.ended).toBe(0);
});

test.each([
  ['SIGTERM', 'SIGTERM'],
  ['SIGINT', 'SIGTERM'],
] as const)(
  'a second signal ends it at once, and not with 0, while a request is in flight (%s, %s)',
  async (first, second) => {
    const process = await startRegistered();
    const { received } = await askForKey(process, 'beginning');
    process.child.kill(first);
    await untilConnectionsAreRefused(process.origin);
    // As long as it takes somebody to lose patience. In the same instant a signal may arrive twice for no such reason:
    // at Ctrl-C both the terminal and npm send it.
    await sleep(1_000);
    process.child.kill(second);
    expect(await millisecondsUntil(process.ended)).toBeLessThan(1_000);
    const end = await process.ended;
    expect(end).toBeTypeOf('number');
    expect(end).not.toBe(0);
    expect(received()).toBe('');
  },
);

/** Asks for more answers than the buffers between the two hold, and then for a tunnel. */
async function askForTunnel({ origin, stdout }: Process): Promise<void> {
  const socket = await open(origin);
  socket.pause();
  const page = 'GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n';
  socket.write(`${page.repeat(16)}CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await expect.poll(stdout).toContain('"route":"/docs"');
}

test('after ten seconds, clients that never send or read the rest are cut off, and it still ends with 0', async () => {
  const process = await startRegistered();
  const { closed } = await askForKey(process, 'beginning');
  await askForTunnel(process);
  process.child.kill('SIGTERM');
  const took = await millisecondsUntil(process.ended);
  expect(took).toBeGreaterThan(GRACE_MS - 500);
  expect(took).toBeLessThan(GRACE_MS + SOON_MS);
  expect(await process.ended).toBe(0);
  expect(messages(process).at(-1)).toBe('stopped');
  expect(process.stderr()).toBe('');
  await closed;
});

describe('what arrives around the signal', () => {
  const create = `POST /auth/keys HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${FIRST_KEY}\r\nContent-Length: 0\r\n\r\n`;
  const list = `GET /auth/keys HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${FIRST_KEY}\r\n\r\n`;

  test('requests of one packet are all answered, and only the last answer says "Connection: close"', async () => {
    const process = await startRegistered({ KEYHEARTH_BCRYPT_COST: '10' });
    const raw = await connectRaw(process.origin);
    raw.write(list);
    await raw.untilAnswers(1);
    // bcrypt makes the first ones slow, so that the signal arrives before their answers.
    raw.write(create.repeat(4) + list.repeat(16));
    await raw.untilAnswers(2);
    process.child.kill('SIGTERM');
    expect(await raw.closed).toBeUndefined();
    const answers = raw.answers().slice(1);
    expect(answers.map(({ status }) => status)).toEqual([...Array(4).fill(201), ...Array(16).fill(200)]);
    expect(answers.slice(0, -1).map(({ headers }) => headers.connection)).not.toContain('close');
    expect(answers.at(-1)?.headers.connection).toBe('close');
    expect(await process.ended).toBe(0);
  });

  test('a connection that was kept gets an answer to one more request', async () => {
    const process = await startRegistered();
    const raw = await connectRaw(process.origin);
    raw.write(list);
    await raw.untilAnswers(1);
    process.child.kill('SIGTERM');
    await untilConnectionsAreRefused(process.origin);
    raw.write(list);
    expect(await raw.closed).toBeUndefined();
    expect(raw.answers()[1]).toMatchObject({ status: 200, headers: { connection: 'close' } });
    expect(await process.ended).toBe(0);
  });

  test('a client that connected before it gets an answer, although its request comes late', async () => {
    const process = await startRegistered();
    const raw = await connectRaw(process.origin);
    process.child.kill('SIGTERM');
    await untilConnectionsAreRefused(process.origin);
    await sleep(500);
    raw.write(list);
    expect(await raw.closed).toBeUndefined();
    expect(raw.answers()).toMatchObject([{ status: 200, headers: { connection: 'close' } }]);
    expect(await process.ended).toBe(0);
  });
});

describe.each([
  ['one worker', '1'],
  ['two workers', '2'],
])('with KEYHEARTH_SHUTDOWN_DELAY_SECONDS and %s', (_, workers) => {
  test('it says at once that it is not ready, and closes the port when the delay is over', async () => {
    const process = await startRegistered({
      KEYHEARTH_SHUTDOWN_DELAY_SECONDS: String(DELAY_MS / 1_000),
      KEYHEARTH_WORKERS: workers,
    });
    const alone = { Connection: 'close' };
    const ready = () => process.send({ path: '/health/ready', headers: alone });
    expect(await ready()).toMatchObject({ status: 200, json: { status: 'ready' } });
    const signalled = performance.now();
    process.child.kill('SIGTERM');
    await expect.poll(async () => (await ready()).status, { interval: 10 }).toBe(503);
    for (let i = 0; i < 10; i++) {
      const answer = await ready();
      expect(answer).toMatchObject({ status: 503, json: { code: 'stopping' } });
      expect(answer.headers['retry-after']).toBe('5');
    }
    expect((await process.send({ path: '/health', headers: alone })).status).toBe(200);
    const kept = await process.send({ path: '/auth/keys', key: FIRST_KEY });
    expect(kept).toMatchObject({ status: 200, headers: { connection: 'close' } });
    expect(performance.now() - signalled).toBeLessThan(DELAY_MS);
    await untilConnectionsAreRefused(process.origin);
    expect(performance.now() - signalled).toBeGreaterThan(DELAY_MS - 100);
    expect(await process.ended).toBe(0);
    expect(performance.now() - signalled).toBeLessThan(DELAY_MS + SOON_MS);
  });
});
