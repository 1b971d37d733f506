import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { expect, onTestFinished, test, vi } from 'vitest';
import { filesOf, textOf } from '../../docs/imports.ts';
import { parseConfig } from '../../src/config.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { createExporter } from '../../src/tracing/exporter.ts';
import { parseTraceparent, type Span } from '../../src/tracing/span.ts';
import type { Json } from '../support/http.ts';
import { FIRST_KEY, register, startService } from '../support/keyhearth.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

/** A collector that takes everything. */
async function startCollector(status = 200) {
  const received: { url: string | undefined; headers: IncomingHttpHeaders; body: Json }[] = [];
  const server = createServer(async (request, response) => {
    received.push({ url: request.url, headers: request.headers, body: await json(request) });
    response.writeHead(status).end('{}');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const spans = () =>
    received.flatMap(({ body }) => body.resourceSpans[0].scopeSpans[0].spans as Record<string, Json>[]);
  return { received, spans, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const attributesOf = (span: Json) =>
  Object.fromEntries(
    span.attributes.map(({ key, value }: Json) => [key, value.stringValue ?? Number(value.intValue)]),
  );

test('a request is a span of the trace of its client, and says nothing secret', async () => {
  const { endpoint, received, spans } = await startCollector();
  const running = await startService({
    env: {
      ...{ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'X-Token=a%20token' },
      OTEL_SERVICE_NAME: 'keys-of-the-test',
    },
  });
  await register(running.send);
  const began = Date.now();
  const headers = { traceparent: `00-${TRACE}-${PARENT}-01` };
  const verified = await running.send({ path: '/auth/verify?scope=a', key: FIRST_KEY, headers });
  await running.send({ path: '/auth/keys/999', key: FIRST_KEY });
  const unsampled = { traceparent: `00-${TRACE}-${PARENT}-00` };
  await running.send({ path: '/auth/keys', key: FIRST_KEY, headers: unsampled });
  // What waits is sent before the service ends.
  await running.close();

  expect(received[0]).toMatchObject({ url: '/v1/traces', headers: { 'x-token': 'a token' } });
  const { attributes } = received[0]?.body.resourceSpans[0].resource ?? {};
  expect(attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'keys-of-the-test' } });
  expect(spans().map(({ name }) => name)).toEqual([
    'POST /auth/register-key',
    'GET /auth/verify',
    'GET /auth/keys/:id',
  ]);
  const [, verification, missing] = spans();
  expect(verification).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, kind: 2 });
  expect(attributesOf(verification)).toEqual({
    'http.request.method': 'GET',
    'http.route': '/auth/verify',
    'http.response.status_code': 200,
    'keyhearth.request_id': verified.headers['x-request-id'],
  });
  expect(attributesOf(missing)).toMatchObject({
    'http.response.status_code': 404,
    'error.type': 'api_key_not_found',
  });
  expect(missing?.traceId).toMatch(/^[\da-f]{32}$/);
  expect(missing?.traceId).not.toBe(TRACE);
  const [start, end] = [verification?.startTimeUnixNano, verification?.endTimeUnixNano].map(
    (time) => Number(time) / 1e6,
  );
  expect(start).toBeGreaterThan(began - 1_000);
  expect(end).toBeGreaterThanOrEqual(start ?? 0);
  expect(JSON.stringify(received.map(({ body }) => body))).not.toMatch(/first-key-of|127\.0\.0\.1|scope=a/);
});

test('no span contains a key, wherever a client puts it', async () => {
  const { endpoint, received, spans } = await startCollector();
  const running = await startService({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } });
  await register(running.send);
  const secret = 'a-secret-that-no-span-may-hold-0123456789';
  const { send } = running;
  await send({
    method: 'POST',
    path: '/auth/keys',
    key: FIRST_KEY,
    body: { label: secret, metadata: { secret } },
  });
  await send({ path: `/auth/keys/${secret}`, key: FIRST_KEY });
  await send({ path: `/${secret}?key=${secret}`, key: FIRST_KEY });
  await send({ path: `/auth/verify/${secret}?scope=${secret}`, key: secret });
  await send({ method: 'POST', path: '/auth/verify', key: FIRST_KEY, body: { key: secret } });
  await send({ path: '/auth/verify', headers: { Authorization: `Bearer ${secret}`, Cookie: `a=${secret}` } });
  const strange = ['Traceparent', 'Tracestate', 'X-Request-Id', 'User-Agent', 'X-Forwarded-For', 'Referer'];
  await send({
    path: '/auth/verify',
    key: FIRST_KEY,
    headers: Object.fromEntries(strange.map((name) => [name, secret])),
  });
  await running.close();
  expect(spans()).toHaveLength(8);
  const text = JSON.stringify(received);
  for (const part of [secret, secret.slice(0, 12), FIRST_KEY.slice(0, 12)]) expect(text).not.toContain(part);
});

test('with a ratio of 0, only the client decides; a collector that fails is logged once', async () => {
  const { endpoint, spans } = await startCollector(503);
  const running = await startService({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: '0' },
  });
  await running.send('/health');
  await running.send({ path: '/meta', headers: { traceparent: `00-${TRACE}-${PARENT}-01` } });
  await running.close();
  expect(spans().map(({ name }) => name)).toEqual(['GET /meta']);
  const lines = running.log.filter(({ msg }) => msg === 'traces could not be sent, and are lost');
  expect(lines).toHaveLength(1);
});

test.each(['%0A', '%0D%0A', '%00', '%E2%82%AC'])(
  'a header for the collector that holds %s stops the start, without its value',
  (unusable) => {
    const settings = {
      KEYHEARTH_DATA_DIR: '/nowhere',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
      OTEL_EXPORTER_OTLP_HEADERS: `X-Other=a,Authorization=Basic%20geheim${unusable}geheim`,
    };
    expect(() => parseConfig(settings)).toThrow(/OTEL_EXPORTER_OTLP_HEADERS.* must have values/);
    expect(() => parseConfig(settings)).not.toThrow(/geheim/);
  },
);

const SPAN: Span = {
  ...{ traceId: TRACE, spanId: PARENT, parentId: undefined, name: 'GET', startMs: 0, endMs: 1 },
  ...{ attributes: {}, isError: false },
};
const LAST_PATIENCE_MS = 2_000;

test('a collector that never answers delays the end by two seconds at most, however much waits', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  vi.stubGlobal(
    'fetch',
    (_: string, { signal }: { signal: AbortSignal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  );
  onTestFinished(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
  const logger = createLogger('silent', { write: () => undefined });
  const exporter = createExporter({ url: 'http://127.0.0.1', headers: {}, serviceName: 'a' }, logger);
  for (let second = 0; second < 10; second++) {
    for (let i = 0; i < 600; i++) exporter.add(SPAN);
    await vi.advanceTimersByTimeAsync(1_000);
  }
  let isClosed = false;
  void exporter.close().then(() => {
    isClosed = true;
  });
  await vi.advanceTimersByTimeAsync(LAST_PATIENCE_MS);
  expect(isClosed).toBe(true);
});

test.each([
  [undefined],
  [''],
  [`00-${TRACE}-${PARENT}`],
  [`00-${'0'.repeat(32)}-${PARENT}-01`],
  [`00-${TRACE}-${'0'.repeat(16)}-01`],
  [`ff-${TRACE}-${PARENT}-01`],
  [`00-${TRACE.toUpperCase()}-${PARENT}-01`],
])('%s is no traceparent', (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});

test('a service without a collector loads nothing of this', () => {
  const importing = filesOf('src/**/*.ts')
    .filter((file) => !file.startsWith('src/tracing/'))
    .flatMap((file) => textOf(file).match(/.*['"][./]+tracing\/.*/g) ?? []);
  expect(importing.map((line) => line.trim())).toEqual([
    "import('./tracing/exporter.ts'),",
    "import('./tracing/requests.ts'),",
  ]);
});
