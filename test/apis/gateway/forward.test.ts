import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CLIENT_KEY, credential, OTHER_KEY, startGateway } from '../../support/client-api.ts';
import { LONG } from '../../support/long.ts';
import { startUpstream } from '../../support/upstream.ts';

const MIB = 1024 * 1024;

type Gateway = Awaited<ReturnType<typeof startGateway>>;

const toOne = (baseUrl: string, options: Parameters<typeof startGateway>[0] = {}) =>
  startGateway({ ...options, config: { credentials: [credential({ baseUrl })], ...options.config } });

const AUTHORIZED = { Authorization: `Bearer ${CLIENT_KEY}`, 'Content-Type': 'application/json' };

/** Sends a request and resolves with the answer when its headers arrive. */
function open(
  { origin }: Gateway,
  path: string,
  body?: string | AsyncIterable<string | Buffer>,
  headers = {},
) {
  const outgoing = httpRequest(`${origin}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...AUTHORIZED, ...headers },
  });
  onTestFinished(() => void outgoing.destroy());
  outgoing.on('error', () => undefined);
  const answered = once(outgoing, 'response').then(([incoming]) => incoming as IncomingMessage);
  answered.catch(() => undefined);
  if (typeof body === 'string' || body === undefined) outgoing.end(body);
  else {
    void (async () => {
      for await (const piece of body) if (!outgoing.write(piece)) await once(outgoing, 'drain');
      outgoing.end();
    })();
  }
  return { outgoing, answered };
}

/** No time limit may do what the end of a connection must do. */
const PATIENT = { firstByteMs: 600_000, idleMs: 600_000 };

const chat = JSON.stringify({ model: 'm', messages: [] });

describe('a stream', () => {
  test('arrives event by event, and its headers before the first one', async () => {
    let send = (_: string) => {};
    const upstream = await startUpstream((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
      send = (event) => (event === '' ? response.end() : response.write(event));
      return true;
    });
    const gateway = await toOne(upstream.origin);
    const incoming = await open(gateway, '/v1/chat/completions', chat).answered;
    expect(incoming.headers['content-type']).toBe('text/event-stream');
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      send(event);
      const [chunk] = await once(incoming, 'data');
      expect(String(chunk)).toBe(event);
    }
    send('');
    await once(incoming, 'end');
    expect(incoming.complete).toBe(true);
  });

  test('is not held in memory when the client reads slowly', async () => {
    const CHUNK = Buffer.alloc(64 * 1024, 'x');
    const TOTAL = (LONG ? 1_024 : 64) * MIB;
    let written = 0;
    const upstream = await startUpstream(async (_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/octet-stream' });
      for (written = 0; written < TOTAL; written += CHUNK.length)
        if (!response.write(CHUNK)) await once(response, 'drain');
      response.end();
      return true;
    });
    const gateway = await toOne(upstream.origin);
    const incoming = await open(gateway, '/v1/files/big').answered;
    incoming.pause();
    let before = -1;
    // Until all buffers between the two are full.
    while (written !== before) {
      before = written;
      await sleep(100);
    }
    expect(written).toBeLessThan(TOTAL / 2);
    const idle = process.memoryUsage.rss();
    let most = 0;
    let read = 0;
    for await (const chunk of incoming) {
      read += chunk.length;
      most = Math.max(most, process.memoryUsage.rss());
    }
    expect(read).toBe(TOTAL);
    expect(most - idle).toBeLessThan(256 * MIB);
  });

  test('that the upstream breaks off is broken off for the client within a second', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: 1\n\n');
      return true;
    });
    const gateway = await toOne(upstream.origin);
    const incoming = await open(gateway, '/v1/chat/completions', chat).answered;
    await once(incoming, 'data');
    const start = performance.now();
    const broken = once(incoming, 'error');
    upstream.kill();
    const [error] = await broken;
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect(incoming.complete).toBe(false);
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(gateway.uses).toMatchObject([{ model: 'm', isFailure: true }]);
  });

  test('ends at the upstream when the client goes away', async () => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const upstream = await startUpstream((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: 1\n\n');
      response.on('close', resolve);
      return true;
    });
    let places = 0;
    const acquire = () => {
      places++;
      return () => void places--;
    };
    const gateway = await toOne(upstream.origin, { acquire, patience: PATIENT });
    const { outgoing, answered } = open(gateway, '/v1/chat/completions', chat);
    await once(await answered, 'data');
    expect(places).toBe(1);
    outgoing.destroy();
    await ended;
    await expect.poll(() => places).toBe(0);
  });

  test('is not begun when the client goes away before the answer', async () => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const upstream = await startUpstream((request) => {
      request.socket.on('close', () => resolve());
      outgoing.destroy();
      return true;
    });
    const gateway = await toOne(upstream.origin, { patience: PATIENT });
    const { outgoing } = open(gateway, '/v1/chat/completions', chat);
    await ended;
    await expect.poll(() => gateway.log.at(-1)).toMatchObject({ status: 499, key_id: 1 });
  });
});

describe('the body of a request', () => {
  test('is asked for when the client waits for that, and the upstream is not', async () => {
    const upstream = await startUpstream();
    const { origin } = await toOne(upstream.origin);
    const headers = { ...AUTHORIZED, Expect: '100-continue', 'Content-Length': String(chat.length) };
    const outgoing = httpRequest(`${origin}/v1/chat/completions`, { method: 'POST', headers });
    outgoing.flushHeaders();
    await once(outgoing, 'continue');
    outgoing.end(chat);
    const [incoming]: IncomingMessage[] = await once(outgoing, 'response');
    incoming?.resume();
    expect(incoming?.statusCode).toBe(200);
    expect(upstream.received).toMatchObject([{ body: chat }]);
    expect(upstream.received[0]?.headers).not.toHaveProperty('expect');
  });

  test('of JSON is sent as soon as its model is known', async () => {
    const { promise: began, resolve } = Promise.withResolvers<string>();
    const upstream = await startUpstream((request, response) => {
      let text = '';
      request.on('data', (chunk) => {
        text += chunk;
        if (text.endsWith('[')) resolve(text);
      });
      request.on('end', () => response.end('{}'));
      return true;
    });
    const gateway = await startGateway({
      config: { credentials: [credential({ baseUrl: upstream.origin, prefix: 'or' })] },
    });
    const more = Promise.withResolvers<void>();
    async function* body() {
      yield '{"model":"or/m","messages":[';
      await more.promise;
      yield ']}';
    }
    const { answered } = open(gateway, '/v1/chat/completions', body(), { 'X-Test-Unread': '1' });
    expect(await began).toBe('{"model":"m","messages":[');
    more.resolve();
    expect((await answered).statusCode).toBe(200);
  });

  test('is the same but for the prefix, with its length', async () => {
    const upstream = await startUpstream();
    const gateway = await startGateway({
      config: { credentials: [credential({ baseUrl: upstream.origin, prefix: 'or' })] },
    });
    const filler = 'ü"\\'.repeat(50_000);
    for (const text of ['x', filler]) {
      const sent = JSON.stringify({ a: text, model: 'or/größe', b: [text] }, null, 1);
      await gateway.post('/v1/chat/completions', sent);
      const got = upstream.received.at(-1);
      expect(got?.body).toBe(sent.replace('or/größe', 'größe'));
      expect(got?.headers['content-length']).toBe(String(Buffer.byteLength(got?.body ?? '')));
    }
  });

  test('of more than 32 MiB without a model is a 413', async () => {
    const upstream = await startUpstream();
    const gateway = await toOne(upstream.origin);
    async function* body() {
      yield '{"a":"';
      for (let i = 0; i < 33; i++) yield 'x'.repeat(1024 * 1024);
      yield '","model":"m"}';
    }
    const incoming = await open(gateway, '/v1/chat/completions', body()).answered;
    expect(incoming.statusCode).toBe(413);
    expect(upstream.received).toEqual([]);
  });

  test('of another type passes through, however long it is', async () => {
    let size = 0;
    const upstream = await startUpstream(async (request, response) => {
      for await (const chunk of request) size += chunk.length;
      response.end('{}');
      return true;
    });
    const gateway = await toOne(upstream.origin);
    async function* body() {
      for (let i = 0; i < 40; i++) yield Buffer.alloc(1024 * 1024, 'x');
    }
    const headers = { 'Content-Type': 'multipart/form-data; boundary=x', 'X-Test-Unread': '1' };
    expect((await open(gateway, '/v1/files', body(), headers).answered).statusCode).toBe(200);
    expect(size).toBe(40 * 1024 * 1024);
  });

  test('with two models is a 400, also when it is on its way already', async () => {
    const upstream = await startUpstream();
    const gateway = await toOne(upstream.origin);
    const short = await gateway.post('/v1/chat/completions', '{"model":"a","model":"b"}');
    const long = await gateway.post(
      '/v1/chat/completions',
      `{"model":"a","x":"${'x'.repeat(300_000)}","model":"b"}`,
    );
    for (const { status, json } of [short, long]) {
      expect([status, json.error.code]).toEqual([400, 'malformed_request']);
    }
    expect(upstream.received).toEqual([]);
  });

  test('that is compressed passes through', async () => {
    const upstream = await startUpstream((_, response) => {
      response.end('{}');
      return true;
    });
    const gateway = await toOne(upstream.origin);
    const { status } = await gateway.post('/v1/chat/completions', 'not JSON', { 'Content-Encoding': 'zstd' });
    expect(status).toBe(200);
    expect(upstream.received.at(-1)).toMatchObject({
      body: 'not JSON',
      headers: { 'content-encoding': 'zstd' },
    });
  });
});

/** An upstream that answers in bytes. */
async function rawUpstream(answer: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined).once('data', () => answer(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port that nobody listens on. */
async function closedPort(): Promise<string> {
  const upstream = await startUpstream();
  await upstream.close();
  return upstream.origin;
}

describe('an upstream that fails', () => {
  test('cannot be reached: 502, and the next one is tried', async () => {
    const upstream = await startUpstream();
    const dead = await closedPort();
    const one = await toOne(dead);
    const { status, json } = await one.post('/v1/chat/completions', chat);
    expect([status, json.error.code]).toEqual([502, 'upstream_unreachable']);
    expect(one.log.at(-1)).toMatchObject({ upstream: 'openai', route: '/v1/chat/completions', status: 502 });
    const two = await startGateway({
      config: { credentials: [credential({ baseUrl: dead }), credential({ baseUrl: upstream.origin })] },
    });
    for (let i = 0; i < 3; i++) expect((await two.post('/v1/chat/completions', chat)).status).toBe(200);
  });

  test('is not asked again when it got the request', async () => {
    const broken = await startUpstream((request) => {
      request.socket.destroy();
      return true;
    });
    const good = await startUpstream();
    const gateway = await startGateway({
      config: { credentials: [credential({ baseUrl: broken.origin }), credential({ baseUrl: good.origin })] },
    });
    const { status, json } = await gateway.post('/v1/chat/completions', chat);
    expect([status, json.error.code]).toEqual([502, 'upstream_connection_lost']);
    expect([broken.received.length, good.received.length]).toEqual([1, 0]);
  });

  test('takes no connection, or does not answer, in time: 504', async () => {
    const silent = await startUpstream(() => true);
    const gateway = await toOne(silent.origin, { patience: { firstByteMs: 100 } });
    const { status, json } = await gateway.post('/v1/chat/completions', chat);
    expect([status, json.error.code]).toEqual([504, 'upstream_timeout']);
    const withoutTls = await rawUpstream(() => undefined);
    const unconnected = await toOne(`https${withoutTls.slice(4)}`, { patience: { connectMs: 100 } });
    const answer = await unconnected.post('/v1/chat/completions', chat);
    expect([answer.status, answer.json.error.code]).toEqual([504, 'upstream_connect_timeout']);
  });

  test('stands still in its answer: the client is cut off', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n');
      return true;
    });
    const gateway = await toOne(upstream.origin, { patience: { idleMs: 100 } });
    const incoming = await open(gateway, '/v1/chat/completions', chat).answered;
    await once(incoming, 'data');
    const [error] = await once(incoming, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });

  test('refuses its credential: 502 without its words, and the next credential is used', async () => {
    const upstream = await startUpstream((request, response) => {
      if (request.headers.authorization !== 'Bearer bad-secret') return false;
      response.writeHead(401, { 'Content-Type': 'application/json', 'X-Echo': 'bad-secret' });
      response.end('{"error":{"message":"Incorrect API key provided: bad-secret"}}');
      return true;
    });
    const gateway = await startGateway({
      config: {
        credentials: ['bad-secret', 'good-secret'].map((apiKey) =>
          credential({ apiKey, baseUrl: upstream.origin }),
        ),
      },
    });
    const refused = await gateway.post('/v1/chat/completions', chat);
    expect([refused.status, refused.json.error.code]).toEqual([502, 'upstream_credential_refused']);
    expect(JSON.stringify(refused)).not.toContain('bad-secret');
    for (let i = 0; i < 3; i++) expect((await gateway.post('/v1/chat/completions', chat)).status).toBe(200);
    expect(upstream.received).toHaveLength(4);
    expect(JSON.stringify(gateway.log)).not.toMatch(/secret/);
  });

  test('cannot get its credential in a header: 502, and the next credential is used', async () => {
    const upstream = await startUpstream();
    const baseUrl = upstream.origin;
    const unusable = credential({ baseUrl: 'http://127.0.0.1:1', apiKey: 'token-\u20ac' });
    const alone = await startGateway({ config: { credentials: [unusable] } });
    const answer = await alone.post('/v1/chat/completions', chat);
    expect(answer).toMatchObject({ status: 502 });
    expect(answer.json.error.message).toContain('Your own key is valid');
    expect(alone.log.at(-1)).toMatchObject({ code: 'upstream_credential_refused', upstream: 'openai' });

    const two = await startGateway({ config: { credentials: [unusable, credential({ baseUrl })] } });
    for (let i = 0; i < 3; i++)
      expect(await two.post('/v1/chat/completions', chat)).toMatchObject({ status: 200 });
    expect(upstream.received).toHaveLength(3);
  });

  test('refuses its credential for a path that asks no model: 502, and it does not rest', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(401).end();
      return true;
    });
    const gateway = await toOne(upstream.origin);
    expect((await gateway.get('/v1/files')).status).toBe(502);
    expect(gateway.upstreams.states()[0]?.restMs).toBe(0);
    expect((await gateway.post('/v1/chat/completions', chat)).status).toBe(502);
    expect(gateway.upstreams.states()[0]?.restMs).toBeGreaterThan(0);
    expect(gateway.uses.map(({ asksModel }) => asksModel)).toEqual([false, true]);
  });

  test.each([204, 304])('answers %i with a length: it does not pass', async (status) => {
    const upstream = await startUpstream((_, response) => {
      response.socket?.write(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\nX-A: b\r\n\r\n`);
      return true;
    });
    const gateway = await toOne(upstream.origin);
    const { headers } = await gateway.get('/v1/files');
    expect([headers['x-a'], headers['content-length']]).toEqual(['b', undefined]);
  });

  test('has had enough: its 429 passes, and the credential rests', async () => {
    const upstream = await startUpstream((request, response) => {
      if (request.headers.authorization !== 'Bearer one') return false;
      response.writeHead(429, { 'Content-Type': 'application/json', 'Retry-After': '9' }).end('{"error":{}}');
      return true;
    });
    const gateway = await startGateway({
      config: {
        credentials: ['one', 'two'].map((apiKey) => credential({ apiKey, baseUrl: upstream.origin })),
      },
    });
    const limited = await gateway.post('/v1/chat/completions', chat);
    expect([limited.status, limited.headers['retry-after']]).toEqual([429, '9']);
    for (let i = 0; i < 3; i++) expect((await gateway.post('/v1/chat/completions', chat)).status).toBe(200);
  });

  test('redirects to another host: 502, and fetch shows the key to nobody', async () => {
    const other = await startUpstream();
    const upstream = await startUpstream((_, response) => {
      response.writeHead(307, { Location: `${other.origin}/v1/x` }).end();
      return true;
    });
    const gateway = await toOne(upstream.origin);
    const answer = await fetch(`${gateway.origin}/v1/chat/completions`, {
      ...{ method: 'POST', body: chat },
      headers: { 'X-Api-Key': CLIENT_KEY, 'Content-Type': 'application/json' },
    });
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ error: { code: 'upstream_redirected' } });
    expect(other.received).toEqual([]);
  });

  test('redirects to its own path: fetch follows it through the gateway', async () => {
    const upstream = await startUpstream(({ url }, response) => {
      if (url === '/v1/embeddings') return false;
      response.writeHead(307, { Location: `${upstream.origin}/v1/embeddings` }).end();
      return true;
    });
    const gateway = await toOne(upstream.origin);
    const answer = await fetch(`${gateway.origin}/v1/chat/completions`, {
      ...{ method: 'POST', body: chat },
      headers: { 'X-Api-Key': CLIENT_KEY, 'Content-Type': 'application/json' },
    });
    expect([answer.status, answer.url]).toEqual([200, `${gateway.origin}/v1/embeddings`]);
    expect(upstream.received.map(({ headers }) => headers['x-api-key'])).toEqual([undefined, undefined]);
  });

  test('says something before its answer: only the answer passes', async () => {
    const origin = await rawUpstream((socket) =>
      socket.write(
        'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Text: \xe4\r\n\r\n{}',
        'latin1',
      ),
    );
    const gateway = await toOne(origin);
    const { status, text, headers } = await gateway.post('/v1/chat/completions', chat);
    expect([status, text, headers.link]).toEqual([200, '{}', undefined]);
  });

  test.each([
    ['both lengths', 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n'],
    ['two different lengths', 'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    ['no HTTP', 'X\0: a\r\n\r\n'],
    ['headers that are too long', `X: ${'y'.repeat(70_000)}\r\n\r\n`],
  ])('answers with %s: 502', async (_, rest) => {
    const gateway = await toOne(await rawUpstream((socket) => socket.end(`HTTP/1.1 200 OK\r\n${rest}`)));
    const { status, json } = await gateway.post('/v1/chat/completions', chat);
    expect([status, json.error.code]).toEqual([502, 'upstream_invalid_answer']);
  });
});

describe('Amp', () => {
  const amp = (upstreamUrl: string, apiKey: string | null = 'amp-default') => ({
    amp: { upstreamUrl, apiKey, byClientKey: new Map([[OTHER_KEY, 'amp-of-other']]) as never },
  });

  test('gets the key of the client, or the one for all others', async () => {
    const upstream = await startUpstream();
    const gateway = await startGateway({ config: amp(upstream.origin) });
    const ask = (headers: Record<string, string>) => gateway.send({ path: '/api/user?a=b', headers });
    await ask({ Authorization: `Bearer ${CLIENT_KEY}` });
    await ask({ Authorization: `Bearer ${OTHER_KEY}` });
    // The second key is not the one that the request was admitted with.
    await ask({ Authorization: `Bearer ${CLIENT_KEY}`, 'X-Api-Key': OTHER_KEY });
    await ask({ Authorization: 'Bearer wrong', 'X-Api-Key': OTHER_KEY });
    expect(
      upstream.received.map(({ url, headers }) => [url, headers['x-api-key'], headers.authorization]),
    ).toEqual(
      ['amp-default', 'amp-of-other', 'amp-default', 'amp-of-other'].map((key) => [
        '/api/user?a=b',
        key,
        `Bearer ${key}`,
      ]),
    );
  });

  test('is refused where no credential is for the client, or none at all', async () => {
    const upstream = await startUpstream();
    const without = await startGateway({ config: amp(upstream.origin, null) });
    expect(await without.get('/api/user')).toMatchObject({
      status: 404,
      json: { error: { code: 'no_upstream_credential' } },
    });
    const { get } = await startGateway({});
    expect(await get('/api/user')).toMatchObject({ status: 404, json: { error: { code: 'no_upstream' } } });
    expect(upstream.received).toEqual([]);
  });
});

test('the log names the route, the key and the upstream, and no query', async () => {
  const upstream = await startUpstream();
  const gateway = await toOne(upstream.origin);
  await gateway.get('/v1/files?after=a-secret');
  expect(gateway.log.at(-1)).toMatchObject({
    ...{ method: 'GET', route: '/v1/*', status: 200, key_id: 1, upstream: 'openai', client: '127.0.0.1' },
  });
  expect(JSON.stringify(gateway.log)).not.toContain('a-secret');
});
