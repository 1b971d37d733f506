import { describe, expect, test } from 'vitest';
import { CLIENT_KEY, credential, startGateway } from '../../support/client-api.ts';
import { sendRaw } from '../../support/http.ts';
import { startUpstream } from '../../support/upstream.ts';

/** What somebody tries who wants more of the gateway than it gives. */

async function both(config: Parameters<typeof startGateway>[0]['config'] = {}) {
  const upstream = await startUpstream();
  const gateway = await startGateway({
    config: { credentials: [credential({ baseUrl: upstream.origin })], ...config },
  });
  return { upstream, gateway };
}

const HEAD = `Host: localhost\r\nAuthorization: Bearer ${CLIENT_KEY}\r\n`;
const JSON_HEAD = `${HEAD}Content-Type: application/json\r\n`;

const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

describe('a request with two ends', () => {
  const SMUGGLED = 'GET /v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
  test.each([
    ['a length and chunks', `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ['chunks and a length', `Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ['two different lengths', `Content-Length: 4\r\nContent-Length: 44\r\n\r\n{}  ${SMUGGLED}`],
    ['two equal lengths', `Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}${SMUGGLED}`],
    ['two lengths in one line', `Content-Length: 2, 2\r\n\r\n{}${SMUGGLED}`],
    ['a signed length', `Content-Length: +2\r\n\r\n{}${SMUGGLED}`],
    ['a length in hexadecimal', `Content-Length: 0x2\r\n\r\n{}${SMUGGLED}`],
    ['a folded header', `Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ['a space before the colon', `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ['an unknown encoding', `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    [
      'chunked that is not the last encoding',
      `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    ['lines that end with LF', `Content-Length: 4\nTransfer-Encoding: chunked\n\n0\n\n${SMUGGLED}`],
    ['a chunk longer than it says', `Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX\r\n0\r\n\r\n${SMUGGLED}`],
    ['a bare CR in a header', `X-A: b\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ['a NUL in a header', `X-A: b\0c\r\nContent-Length: 2\r\n\r\n{}${SMUGGLED}`],
  ])('%s', async (_, rest) => {
    const { upstream, gateway } = await both();
    const text = await sendRaw(gateway.origin, `POST /v1/chat/completions HTTP/1.1\r\n${JSON_HEAD}${rest}`);
    expect(statuses(text)).toEqual([400]);
    expect(upstream.received.map(({ url }) => url)).not.toContain('/v1/smuggled');
  });

  test('and one with one end: each gets its own answer', async () => {
    const { upstream, gateway } = await both();
    const body = '{"model":"m"}';
    const chunked = `POST /v1/chat/completions HTTP/1.1\r\n${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const plain = `POST /v1/embeddings HTTP/1.1\r\n${JSON_HEAD}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const text = await sendRaw(gateway.origin, chunked + plain);
    expect(statuses(text)).toEqual([200, 200]);
    expect(upstream.received.map(({ url, body: got }) => [url, got]).sort()).toEqual([
      ['/v1/chat/completions', body],
      ['/v1/embeddings', body],
    ]);
    for (const { rawHeaders } of upstream.received) {
      const lengths = rawHeaders.filter((name) => /^(?:content-length|transfer-encoding)$/i.test(name));
      expect(lengths).toHaveLength(1);
    }
  });
});

describe('a path that means something else elsewhere', () => {
  test.each([
    ['/v1/../v0/management/config', 400],
    ['/v1/%2e%2e/v0/management/config', 400],
    ['/v1/..%2fv0/management/config', 400],
    ['/v1/..;/v0/management/config', 400],
    ['/v1//evil.example/x', 400],
    ['/v1/\\..\\x', 400],
    ['/v1/x%00', 400],
    ['/v1/%0d%0aX-A:%20b', 400],
    ['//evil.example/v1/x', 404],
    ['/V1/chat/completions', 404],
    ['/%76%31/chat/completions', 404],
    ['http://evil.example/v1/chat/completions', 404],
  ])('%s', async (path, status) => {
    const { upstream, gateway } = await both();
    const text = await sendRaw(gateway.origin, `GET ${path} HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`);
    expect(statuses(text)).toEqual([status]);
    expect(upstream.received).toEqual([]);
  });

  test.each(['TRACE', 'CONNECT', 'PROPFIND'])('method %s', async (method) => {
    const { upstream, gateway } = await both();
    const target = method === 'CONNECT' ? 'evil.example:443' : '/v1/x';
    const text = await sendRaw(
      gateway.origin,
      `${method} ${target} HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`,
    );
    expect(statuses(text)[0]).toBeGreaterThanOrEqual(400);
    expect(upstream.received).toEqual([]);
  });
});

describe('the credential of a client', () => {
  test.each<[string, string, Record<string, string>]>([
    ['Authorization', '', { Authorization: `Bearer ${CLIENT_KEY}` }],
    ['Authorization alone', '', { Authorization: CLIENT_KEY }],
    ['X-Api-Key', '', { 'X-Api-Key': CLIENT_KEY }],
    ['X-Goog-Api-Key', '', { 'X-Goog-Api-Key': CLIENT_KEY }],
    ['key', `?a=1&key=${CLIENT_KEY}`, {}],
    ['auth_token', `?auth_token=${CLIENT_KEY}&a=1`, {}],
    [
      'all',
      `?key=${CLIENT_KEY}`,
      { Authorization: CLIENT_KEY, 'X-Api-Key': CLIENT_KEY, Cookie: `a=${CLIENT_KEY}` },
    ],
    [
      'Connection, which removes the one of the upstream',
      '',
      { Authorization: CLIENT_KEY, Connection: 'authorization' },
    ],
  ])('in %s is enough, and never reaches the upstream or the log', async (_, query, headers) => {
    const { upstream, gateway } = await both();
    expect((await gateway.send({ path: `/v1/files${query}`, headers })).status).toBe(200);
    expect(upstream.received[0]?.headers.authorization).toBe('Bearer upstream-key-0123456789');
    expect(JSON.stringify([upstream.received, gateway.log])).not.toContain(CLIENT_KEY);
  });

  test('that is missing or wrong: 401, and the fifth wrong one is the last', async () => {
    const { upstream, gateway } = await both();
    const missing = await gateway.send('/v1/files');
    expect([missing.status, missing.json]).toEqual([
      401,
      { error: { message: 'Missing API key', type: 'authentication_error', code: 'api_key_required' } },
    ]);
    const guess = (i: number) => gateway.send({ path: '/v1/files', headers: { 'X-Api-Key': `guess-${i}` } });
    for (let i = 0; i < 5; i++) {
      const { status, json, headers } = await guess(i);
      expect([status, json.error.message, headers['www-authenticate']?.slice(0, 6)]).toEqual([
        401,
        'Invalid API key',
        'Bearer',
      ]);
    }
    const locked = await gateway.get('/v1/files');
    expect([locked.status, locked.json.error.type, locked.headers['retry-after']]).toEqual([
      429,
      'rate_limit_error',
      '300',
    ]);
    expect(upstream.received).toEqual([]);
  });

  test('without gateway:use: 403', async () => {
    const upstream = await startUpstream();
    const gateway = await startGateway({
      config: { credentials: [credential({ baseUrl: upstream.origin })] },
      principals: { [CLIENT_KEY]: { scopes: [] } },
    });
    const { status, json } = await gateway.get('/v1/files');
    expect([status, json.error.type, json.error.code]).toEqual([
      403,
      'permission_error',
      'insufficient_scope',
    ]);
  });

  test('that has too many requests open: 429', async () => {
    const { gateway } = await (async () => {
      const acquire = () => ({ code: 'too_many_concurrent', limit: 1, retryAfter: 1 }) as const;
      return { gateway: await startGateway({ acquire }) };
    })();
    const { status, json } = await gateway.get('/v1/files');
    expect([status, json.error.code]).toEqual([429, 'too_many_concurrent']);
  });
});

describe('a page in a browser', () => {
  const PAGE = { Origin: 'https://page.example' };

  test('may ask before a request with a key, and read the answer', async () => {
    const { upstream, gateway } = await both();
    const preflight = await gateway.send({
      method: 'OPTIONS',
      path: '/v1/chat/completions',
      headers: {
        ...PAGE,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization',
      },
    });
    expect(preflight).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': '*',
        'access-control-allow-headers': 'Authorization, *',
        'access-control-allow-methods': expect.stringContaining('POST'),
      },
    });
    expect(preflight.headers).not.toHaveProperty('access-control-allow-credentials');
    for (const answer of [await gateway.get('/v1/files'), await gateway.send('/v1/files')])
      expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(upstream.received).toHaveLength(1);
  });

  test.each([
    ['an image', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' }],
    ['an image of another port', { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'no-cors' }],
    ['a link', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }],
    ['a form', { ...PAGE, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }],
  ])('guesses nothing with %s, and locks nobody out', async (_, headers) => {
    const { gateway } = await both();
    for (const key of [...Array(6).keys(), CLIENT_KEY]) {
      const answer = await gateway.send({ path: `/v1/files?key=${key}`, headers });
      expect([answer.status, answer.json.error.code]).toEqual([403, 'cross_site_request']);
    }
    expect((await gateway.get('/v1/files')).status).toBe(200);
    const allowed = { ...PAGE, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors' };
    expect((await gateway.send({ path: `/v1/files?key=${CLIENT_KEY}`, headers: allowed })).status).toBe(200);
  });

  test.each([
    ['of another origin', PAGE],
    ['without an origin', { Origin: 'null' }],
    ['whose name leads here', { Host: 'page.example' }],
  ])('%s has five guesses together with all others, and does not lock programs out', async (_, headers) => {
    const { gateway } = await both();
    const guess = (key: string, from: Record<string, string>) =>
      gateway.send({ path: `/v1/files?key=${key}`, headers: from });
    for (let i = 0; i < 5; i++) expect((await guess(`guess-${i}`, headers)).status).toBe(401);
    for (const other of [headers, { Origin: 'https://other.example' }])
      expect((await guess(CLIENT_KEY, other)).status).toBe(429);
    expect((await gateway.get('/v1/files')).status).toBe(200);
    expect((await guess(CLIENT_KEY, { Origin: gateway.origin })).status).toBe(200);
  });

  test.each([
    ...['document', 'iframe', 'frame', 'fencedframe', 'object', 'embed', 'style', 'xslt', 'manifest'],
    ...['script', 'worker', 'serviceworker', 'sharedworker', 'audioworklet', 'paintworklet'],
  ])('cannot open an answer as a %s, and this counts nothing', async (destination) => {
    const { upstream, gateway } = await both();
    const headers = { 'Sec-Fetch-Dest': destination, 'Sec-Fetch-Site': 'same-origin' };
    for (const key of [CLIENT_KEY, ...Array.from({ length: 6 }, (_, i) => `guess-${i}`)]) {
      const { status, json } = await gateway.send({ path: `/v1/files?key=${key}`, headers });
      expect([status, json.error.code]).toEqual([403, 'cross_site_request']);
    }
    expect([upstream.received, gateway.uses]).toEqual([[], []]);
    const data = { Authorization: `Bearer ${CLIENT_KEY}`, 'Sec-Fetch-Dest': 'empty' };
    const answer = await gateway.send({ path: '/v1/files', headers: data });
    expect(answer).toMatchObject({
      status: 200,
      headers: {
        'content-security-policy': "sandbox; default-src 'none'",
        'x-content-type-options': 'nosniff',
      },
    });
  });

  describe('while no key is needed', () => {
    const open = () => both({ clientKeys: [] });

    test('programs on this machine pass', async () => {
      const { upstream, gateway } = await open();
      const { port } = new URL(gateway.origin);
      for (const host of [
        `localhost:${port}`,
        `127.0.0.1:${port}`,
        `[::1]:${port}`,
        'LOCALHOST.',
        'a.localhost',
      ])
        expect((await gateway.send({ path: '/v1/files', headers: { Host: host } })).status, host).toBe(200);
      const sent = await gateway.send({ path: '/v1/files', headers: { 'X-Api-Key': 'whatever' } });
      expect(sent.status).toBe(200);
      expect(sent.headers).not.toHaveProperty('access-control-allow-origin');
      expect(JSON.stringify(upstream.received)).not.toContain('whatever');
      expect(gateway.uses.at(-1)).toMatchObject({ keyId: 0 });
    });

    test.each<[string, Record<string, string>, number]>([
      ['another origin', PAGE, 403],
      ['no origin that it tells', { Origin: 'null' }, 403],
      ['another port', { Origin: 'http://localhost:3000', Host: 'localhost:8317' }, 403],
      ['another origin, without Origin', { 'Sec-Fetch-Site': 'cross-site' }, 403],
      ['another port, without Origin', { 'Sec-Fetch-Site': 'same-site' }, 403],
      ['a name that leads here', { Host: 'page.example' }, 421],
      ['a name that looks local', { Host: 'localhost.page.example' }, 421],
      ['an address of another machine', { Host: '192.168.0.1' }, 421],
      ['two names', { Host: 'page.example, x.localhost' }, 421],
      ['a name with two ports', { Host: 'page.example:80:.localhost' }, 421],
      ['its own name, but another scheme', { Host: 'localhost:8317', Origin: 'https://localhost:8317' }, 403],
      ['what a proxy passes on', { 'X-Forwarded-For': '192.0.2.7' }, 421],
      ['what a proxy passes on without an address', { Via: '1.1 proxy' }, 421],
    ])('%s does not', async (_, headers, status) => {
      const { upstream, gateway } = await open();
      for (const method of ['POST', 'GET', 'OPTIONS']) {
        const answer = await gateway.send({ method, path: '/v1/files', headers });
        expect([answer.status, answer.json.error.type]).toEqual([status, 'permission_error']);
        expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
      }
      expect(upstream.received).toEqual([]);
    });

    test('its own origin passes, such as a page that this machine serves', async () => {
      const { gateway } = await open();
      const headers = { Origin: gateway.origin, 'Sec-Fetch-Site': 'same-origin' };
      expect((await gateway.send({ path: '/v1/files', headers })).status).toBe(200);
    });

    test('where the operator allows other machines, other hosts pass, and pages do not', async () => {
      const { gateway } = await both({ clientKeys: [], allowUnauthenticatedRemote: true });
      const { port } = new URL(gateway.origin);
      const send = (headers: Record<string, string>) => gateway.send({ path: '/v1/files', headers });
      expect((await send({ Host: `127.0.0.1:${port}` })).status).toBe(200);
      expect((await send({ Host: '192.0.2.1' })).status).toBe(200);
      expect((await send({ 'X-Forwarded-For': '192.0.2.7' })).status).toBe(200);
      expect((await send({ 'X-Forwarded-For': '192.0.2.7', ...PAGE })).status).toBe(403);
      expect((await send({ Host: '192.0.2.1', ...PAGE })).status).toBe(403);
    });
  });
});

test('an upstream cannot set headers of this service, or cookies, for its client', async () => {
  const upstream = await startUpstream((_, response) => {
    response.setHeader('Set-Cookie', 'khs=1');
    response.setHeader('X-Keyhearth-Key-Id', '1');
    response.setHeader('Access-Control-Allow-Origin', 'https://page.example');
    response.setHeader('Access-Control-Allow-Credentials', 'true');
    response.end('{}');
    return true;
  });
  const gateway = await startGateway({ config: { credentials: [credential({ baseUrl: upstream.origin })] } });
  const { headers } = await gateway.get('/v1/files');
  expect(headers['access-control-allow-origin']).toBe('*');
  for (const name of ['set-cookie', 'x-keyhearth-key-id', 'access-control-allow-credentials'])
    expect(headers).not.toHaveProperty(name);
});
