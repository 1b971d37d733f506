import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { client } from '../support/http.ts';
import { isInstalled, proxies, type ReverseProxy, startProxy } from './proxies.ts';
import { nextAddress, startRecorder } from './stack.ts';

/** More than any of the files allows. */
const TOO_LONG_MS = 12_000;

/** A proxy between a client and a service, with something else than Keyhearth where Keyhearth should be. */
async function startInFrontOf(proxy: ReverseProxy, keyhearth: number) {
  const upstream = await startRecorder();
  onTestFinished(upstream.close);
  const running = await startProxy(proxy, { upstream: upstream.port, keyhearth });
  onTestFinished(running.close);
  const address = nextAddress();
  return { send: client(running.origin, address), address, passed: upstream.seen };
}

const installed = proxies.filter(isInstalled);

describe.each(installed)('$name', (proxy) => {
  test('asks Keyhearth with a bare GET or HEAD, whatever the client asks for, and keeps its connections if it can', async () => {
    const asked = await startRecorder(
      { 'X-Keyhearth-Key-Id': '7', 'X-Keyhearth-Label': 'seven' },
      () => '{"valid":true}',
    );
    onTestFinished(asked.close);
    const { send, address, passed } = await startInFrontOf(proxy, asked.port);
    const path = '/..;/health?deny=no&key=x';
    for (let round = 0; round < 10; round++) {
      const answer = await send({
        method: 'POST',
        path,
        headers: {
          'X-API-Key': 'k',
          'X-Forwarded-For': '198.51.100.7',
          'X-Foreign': 'for the service',
          Cookie: 'c=1',
          'Transfer-Encoding': 'chunked',
        },
        body: 'the body is for the service',
      });
      expect(answer.status).toBe(200);
    }
    expect(asked.seen.length).toBe(10);
    for (const { method, url, headers, body } of asked.seen) {
      expect({ method, url, body }).toEqual({
        method: proxy.asks.method,
        url: proxy.asks.target,
        body: '',
      });
      expect(headers).toMatchObject({ 'x-api-key': 'k', 'x-forwarded-for': address });
      for (const name of ['cookie', 'content-length', 'transfer-encoding'])
        expect(headers).not.toHaveProperty(name);
      expect('x-foreign' in headers).toBe(proxy.asks.sendsForeignHeaders);
      expect(headers.host).toMatch(/^(localhost|127\.0\.0\.1:\d+)$/);
    }
    if (proxy.asks.keepsConnections) expect(asked.connections.size).toBeLessThan(5);
    expect(passed[9]).toMatchObject({ method: 'POST', url: path, body: 'the body is for the service' });
    expect(passed[9]?.headers).toMatchObject({ 'x-keyhearth-key-id': '7', 'x-keyhearth-label': 'seven' });
  });
});

test.runIf(installed.some(({ name }) => name === 'haproxy'))(
  'haproxy lets nobody pass on the word of something else that answers 200',
  async () => {
    const other = await startRecorder();
    onTestFinished(other.close);
    for (const proxy of installed.filter(({ name }) => name === 'haproxy')) {
      const { send, passed } = await startInFrontOf(proxy, other.port);
      const { status } = await send({ path: '/', headers: { 'X-API-Key': 'k', 'X-Keyhearth-Key-Id': '1' } });
      expect({ status, passed }).toEqual({ status: 503, passed: [] });
    }
  },
);

test.skipIf(installed.length === 0)(
  'none lets anybody pass while Keyhearth does not answer, nor waits for long',
  async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    await Promise.all(
      installed.map(async (proxy) => {
        const { send, passed } = await startInFrontOf(proxy, port);
        const start = performance.now();
        const { status } = await send({ path: '/', headers: { 'X-API-Key': 'k' } });
        expect({ name: proxy.name, status, passed }).toEqual({
          name: proxy.name,
          status: proxy.answers.silent,
          passed: [],
        });
        expect(performance.now() - start).toBeLessThan(TOO_LONG_MS);
      }),
    );
  },
);
