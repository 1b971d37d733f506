import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { sendRaw } from '../support/http.ts';
import { FIRST_KEY } from '../support/keyhearth.ts';
import { isInstalled, proxies } from './proxies.ts';
import { type Stack, startStack } from './stack.ts';
import { type StreamingService, startStreamingService } from './streaming-service.ts';

const WRONG_KEY = 'a-wrong-key-that-nobody-has-0123456789';
const MEGABYTE = 1024 * 1024;

/** A proxy that waits for more to send waits for 200 ms. */
const EVENTS = 10;
const MOST_MS_AN_EVENT = 100;

const withKey = { 'X-API-Key': FIRST_KEY };

describe.each(proxies.filter(isInstalled))('$name', (proxy) => {
  let service: StreamingService;
  let stack: Stack;
  beforeAll(async () => {
    service = await startStreamingService();
    stack = await startStack(proxy, undefined, service);
    return () => stack.close();
  });

  test('passes server-sent events on at once, one by one', async () => {
    const call = request(`${stack.origin}/events`, { headers: withKey }).end();
    onTestFinished(() => void call.destroy());
    const [answer] = (await once(call, 'response')) as [IncomingMessage];
    expect(answer).toMatchObject({
      statusCode: 200,
      headers: { 'content-type': 'text/event-stream' },
    });
    const start = performance.now();
    for (let i = 0; i < EVENTS; i++) {
      const arrives = once(answer, 'data');
      service.sendEvent(`event ${i}`);
      expect(String(await arrives)).toBe(`data: event ${i}\n\n`);
    }
    expect((performance.now() - start) / EVENTS).toBeLessThan(MOST_MS_AN_EVENT);
  });

  test('refuses server-sent events to a client without a key', async () => {
    expect((await stack.newClient()('/events')).status).toBe(401);
  });

  test.each(['Content-Length', 'chunked'])('passes a body of 20 MB whole, with %s', async (framing) => {
    const body = randomBytes(20 * MEGABYTE);
    const answer = await stack.newClient()({
      method: 'POST',
      path: '/upload',
      headers: { ...withKey, ...(framing === 'chunked' && { 'Transfer-Encoding': 'chunked' }) },
      body,
    });
    expect(answer).toMatchObject({
      status: 200,
      json: { length: body.length, sha256: createHash('sha256').update(body).digest('hex') },
    });
  });

  test('opens a WebSocket to a client with a key, and to no other', async () => {
    const url = stack.origin.replace('http:', 'ws:');
    const socket = new WebSocket(url, { headers: withKey });
    onTestFinished(() => socket.close());
    await once(socket, 'open');
    for (const text of ['hello', 'again']) {
      const arrives = once(socket, 'message');
      socket.send(text);
      expect((await arrives)[0].data).toBe(text);
    }
    expect(service.seen.at(-1)).toMatchObject({ 'x-keyhearth-key-id': '1' });

    const before = stack.passed();
    for (const headers of [{}, { 'X-API-Key': WRONG_KEY }]) {
      await once(new WebSocket(url, { headers }), 'error');
    }
    expect(stack.passed()).toBe(before);
  });

  test.each([
    ['GET', ['h2c']],
    ['GET', ['h2c', 'websocket']],
    ['GET', ['websocket', 'h2c']],
    ['GET', ['h2c, websocket']],
    ['POST', ['websocket']],
    ['OPTIONS', ['websocket']],
  ])('lets no client leave HTTP but for a WebSocket: %s with Upgrade: %j', async (method, upgrades) => {
    const lines = [
      `${method} /tunnel HTTP/1.1`,
      'Host: service.test',
      `X-API-Key: ${FIRST_KEY}`,
      'Connection: Upgrade, HTTP2-Settings',
      ...upgrades.map((upgrade) => `Upgrade: ${upgrade}`),
      'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      'Content-Length: 0',
    ];
    const before = stack.passed();
    // If the service takes the first request as an upgrade, it answers the second one too, which has no key.
    const second = 'GET /second HTTP/1.1\r\nHost: service.test\r\nConnection: close\r\n\r\n';
    const answer = await sendRaw(stack.origin, `${lines.join('\r\n')}\r\n\r\n${second}`);
    expect(answer).not.toContain('h2c');
    // Some proxies read only the first line of a header.
    const allowed = method === 'GET' && upgrades[0] === 'websocket' ? ['websocket', undefined] : [undefined];
    for (const { upgrade } of service.seen.slice(before)) expect(allowed).toContain(upgrade);
    expect(stack.passed() - before).toBeLessThanOrEqual(1);
  });

  test('passes 40 KB of headers and cookies of the service on, and asks Keyhearth all the same', async () => {
    const foreign = Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [`x-foreign-${i}`, String(i).repeat(3_000)]),
    );
    const headers = { ...foreign, cookie: `session=${'c'.repeat(10_000)}` };
    const send = stack.newClient();
    const answer = await send({ path: '/', headers: { ...headers, ...withKey } });
    expect(answer.status).toBe(200);
    expect(answer.json.headers).toMatchObject({ ...headers, 'x-keyhearth-key-id': '1' });
    expect((await send({ path: '/', headers })).status).toBe(401);
    expect((await send({ path: '/', headers: { ...headers, 'X-API-Key': WRONG_KEY } })).status).toBe(401);
  });

  test('takes a large credential for another service beside the key, and refuses one that is too large for a key', async () => {
    const large = 'a'.repeat(14_000);
    const send = stack.newClient();
    const negotiate = { Authorization: `Negotiate ${large}` };
    expect((await send({ path: '/', headers: { ...negotiate, ...withKey } })).status).toBe(200);
    for (const headers of [negotiate, { 'X-API-Key': large }, { Authorization: `Bearer ${large}` }]) {
      expect((await send({ path: '/', headers })).status).toBe(401);
    }
  });

  test('refuses a CORS preflight, which has no key', async () => {
    const preflight = { Origin: 'https://app.test', 'Access-Control-Request-Method': 'PUT' };
    const { status } = await stack.newClient()({ method: 'OPTIONS', path: '/', headers: preflight });
    expect(status).toBe(401);
  });
});
