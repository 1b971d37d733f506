import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { DomainError } from '../../src/lib/failure.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { openStorage } from '../../src/storage.ts';
import { pauseAfter, signedHeaders } from '../../src/webhooks/message.ts';
import { openWebhooks } from '../../src/webhooks/webhooks.ts';
import { bootstrapped, databaseFor, FIRST_KEY, sqlIn, temporaryDirectory } from '../support/keyhearth.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const BYTES = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
const NOW = 1_800_000_000_000;
const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

type Received = { headers: IncomingHttpHeaders; body: string };

/** @param answer the status for a message */
async function receiver(answer: (received: Received) => number = () => 204) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    received.push({ headers: request.headers, body });
    response.writeHead(answer({ headers: request.headers, body })).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const messages = () => received.map(({ body }) => JSON.parse(body));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=of-the-url`,
    received,
    messages,
  };
}

/** The webhooks of a database without a service. */
async function webhooksOf(url: string) {
  const dataDir = temporaryDirectory();
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => void lines.push(line) });
  const { db, close } = await openStorage(config, logger);
  onTestFinished(close);
  const clock = { at: NOW, now: () => clock.at };
  const state = { isOut: false };
  const unreliable = new Proxy(db, {
    get(target, name) {
      if (state.isOut)
        throw new DomainError({ code: 'database_unavailable', reason: 'unreachable', retryAfter: 1 });
      const member = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  /** @param closes whether it is closed after the test */
  const open = (send: typeof fetch = fetch, closes = true) => {
    const parts = { url, secret: BYTES, db: unreliable, clock, logger, fetch: send };
    const webhooks = openWebhooks(parts);
    if (closes) onTestFinished(() => webhooks.close());
    return webhooks;
  };
  const event = (action: string, at = clock.at) =>
    sqlIn(
      dataDir,
      `insert into audit_events (at, action, actor_kind, changes) values (${at}, '${action}', 'bootstrap', '{}')`,
    );
  const key = (id: number, created: number, expires: number, isActive = 1) =>
    sqlIn(
      dataDir,
      `insert into api_keys (id, label, hint, hash, is_active, created_at, expires_at)
       values (${id}, 'of the shop', 'kh_a', 'x', ${isActive}, ${created}, ${expires})`,
    );
  return { dataDir, clock, open, event, key, lines, state };
}

test('the signature is the one of the example of Standard Webhooks', () => {
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' };
  expect(signedHeaders(message, 1_614_265_330, BYTES)).toEqual({
    'webhook-id': message.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('a service sends what happens to keys, signed, and no secret', async () => {
  const { url, received, messages } = await receiver();
  const env = { KEYHEARTH_WEBHOOK_URL: url, KEYHEARTH_WEBHOOK_SECRET: SECRET };
  const { send } = await bootstrapped({ env });
  await expect.poll(() => messages().map(({ type }) => type)).toEqual(['key.created']);
  const { json } = await send({
    method: 'POST',
    path: '/auth/keys',
    key: FIRST_KEY,
    body: { label: 'shop' },
  });
  await send({ method: 'POST', path: `/auth/keys/${json.id}/deactivate`, key: FIRST_KEY });
  for (let i = 0; i < 6; i++) await send({ path: '/auth/verify', key: `${FIRST_KEY}-wrong` });
  await expect
    .poll(() =>
      messages()
        .map(({ type }) => type)
        .toSorted(),
    )
    .toEqual(['address.locked', 'key.created', 'key.created', 'key.revoked']);
  expect(messages().find(({ type }) => type === 'key.revoked')).toMatchObject({
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    data: { action: 'key.deactivated', key_id: json.id, actor: { kind: 'key' }, address: '127.0.0.1' },
  });
  for (const { headers, body } of received) {
    const [id, at] = [headers['webhook-id'], headers['webhook-timestamp']];
    const signature = createHmac('sha256', BYTES).update(`${id}.${at}.${body}`).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${signature}`);
    expect(body).not.toContain(FIRST_KEY);
    expect(body).not.toContain(json.api_key);
  }
});

describe('a message', () => {
  test('waits until the receiver accepts it, longer each time, and comes once', async () => {
    let status = 500;
    const { url, received } = await receiver(() => status);
    const { clock, open, event, lines } = await webhooksOf(url);
    const webhooks = open();
    await webhooks.tick();
    await event('key.created');
    await webhooks.tick();
    await webhooks.tick();
    expect(received).toHaveLength(1);
    for (const pause of [5_000, 5 * MINUTE]) {
      clock.at += pause - 1;
      await webhooks.tick();
      clock.at += 1;
      await webhooks.tick();
    }
    expect(received).toHaveLength(3);
    status = 204;
    clock.at += 30 * MINUTE;
    await webhooks.tick();
    clock.at += 30 * DAY;
    await webhooks.tick();
    expect(received).toHaveLength(4);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(lines.filter((line) => line.includes('status 500'))).toHaveLength(3);
    expect(lines.join('')).not.toContain('of-the-url');
  });

  test('is sent by one of several processes', async () => {
    const { url, received } = await receiver();
    const { open, event } = await webhooksOf(url);
    const all = [open(), open(), open()];
    for (const webhooks of all) await webhooks.tick();
    for (let i = 0; i < 10; i++) await event('key.created');
    for (let i = 0; i < 3; i++) await Promise.all(all.map((webhooks) => webhooks.tick()));
    expect(received.map(({ headers }) => headers['webhook-id']).toSorted()).toHaveLength(10);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(10);
  });

  test('survives the process that sends it', async () => {
    const { url, received } = await receiver();
    const { clock, open, event } = await webhooksOf(url);
    const begun = Promise.withResolvers<void>();
    const stuck = open(() => {
      begun.resolve();
      return new Promise(() => undefined);
    }, false);
    await stuck.tick();
    await event('key.created');
    void stuck.tick();
    await begun.promise;
    const next = open();
    await next.tick();
    expect(received).toHaveLength(0);
    clock.at += MINUTE;
    await next.tick();
    expect(received).toHaveLength(1);
  });

  test('does not hold up a stop while the receiver is silent, and is sent later', async () => {
    const { url, received } = await receiver();
    const { clock, open, event } = await webhooksOf(url);
    const begun = Promise.withResolvers<void>();
    const stuck = open((_, init) => {
      begun.resolve();
      return new Promise((_, reject) => init?.signal?.addEventListener('abort', reject));
    });
    await stuck.tick();
    await event('key.created');
    void stuck.tick();
    await begun.promise;
    const start = performance.now();
    await stuck.close();
    expect(performance.now() - start).toBeLessThan(8_000);
    clock.at += MINUTE;
    await open().tick();
    expect(received).toHaveLength(1);
  });

  test('is made of what happened while no process ran, and of nothing before the first one', async () => {
    const { url, messages } = await receiver();
    const { clock, open, event } = await webhooksOf(url);
    await event('key.created');
    const first = open();
    await first.tick();
    await first.close();
    clock.at += HOUR;
    await event('key.deleted');
    clock.at += HOUR;
    await open().tick();
    expect(messages().map(({ type }) => type)).toEqual(['key.revoked']);
  });

  test('is made of the ends of keys from a week before the first process, and of no older ones', async () => {
    const { url, messages } = await receiver();
    const { open, key } = await webhooksOf(url);
    await key(1, NOW - 90 * DAY, NOW - 7 * DAY - MINUTE);
    await key(2, NOW - 90 * DAY, NOW - 7 * DAY + MINUTE);
    await key(3, NOW - 90 * DAY, NOW + 6 * DAY);
    await open().tick();
    const sent = messages().map(({ type, data }) => `${type} ${data.key_id}`);
    expect(sent.toSorted()).toEqual(['key.expired 2', 'key.expiring 3']);
  });

  test('is made of an event that is committed after a later one', async () => {
    const { url, messages } = await receiver();
    const { dataDir, open, event } = await webhooksOf(url);
    const webhooks = open();
    await webhooks.tick();
    await event('key.created');
    await sqlIn(dataDir, 'update audit_events set id = id + 10');
    await webhooks.tick();
    await sqlIn(
      dataDir,
      `insert into audit_events (id, at, action, actor_kind, changes) values (5, ${NOW}, 'key.deleted', 'bootstrap', '{}')`,
    );
    await webhooks.tick();
    expect(messages().map(({ type }) => type)).toEqual(['key.created', 'key.revoked']);
  });
});

test('there is one message a week before the end of a key, one a day before it, and one after it', async () => {
  const { url, messages } = await receiver();
  const { clock, open, key } = await webhooksOf(url);
  await key(1, NOW - 90 * DAY, NOW + 8 * DAY);
  await key(2, NOW, NOW + 12 * HOUR);
  await key(3, NOW - 90 * DAY, NOW + 8 * DAY, 0);
  const webhooks = open();
  const sent = () => messages().map(({ type, data }) => [type, data.key_id, data.days]);
  await webhooks.tick();
  expect(sent()).toEqual([]);
  for (let hour = 0; hour < 24 * 20; hour += 6) {
    clock.at += 6 * HOUR;
    await webhooks.tick();
  }
  expect(sent()).toEqual([
    ['key.expired', 2, undefined],
    ['key.expiring', 1, 7],
    ['key.expiring', 1, 1],
    ['key.expired', 1, undefined],
  ]);
  expect(messages()[1].data).toMatchObject({ label: 'of the shop', hint: 'kh_a' });
});

test('there is a message while the database is unavailable, and one after that', async () => {
  const { url, messages } = await receiver();
  const { clock, open, state } = await webhooksOf(url);
  const webhooks = open();
  await webhooks.tick();
  state.isOut = true;
  for (let i = 0; i < 3; i++) {
    await webhooks.tick();
    expect(messages()).toEqual([]);
    clock.at += 2_000;
  }
  await webhooks.tick();
  await webhooks.tick();
  state.isOut = false;
  await webhooks.tick();
  const since = new Date(NOW).toISOString();
  expect(messages()).toMatchObject([
    { type: 'database.unavailable', data: { since } },
    { type: 'database.recovered', data: { since } },
  ]);
});

test('the pauses are those that Standard Webhooks recommends, and then a day', () => {
  const pauses = Array.from({ length: 10 }, (_, i) => pauseAfter(i + 1));
  expect(pauses).toEqual([
    ...[5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR],
    ...[DAY, DAY],
  ]);
});
