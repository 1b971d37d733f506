import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openUpstream } from '../../../src/apis/gateway/socket-upstream.ts';
import { connectRaw } from '../../support/raw.ts';
import { listening, openSocket, originOf, refusalOf, socketUpstream } from '../../support/websockets.ts';
import { codex, KEY, SECRET, type Setting, socketGateway, withKey } from './socket-gateway.ts';

const HANDSHAKE = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';

const upgradeTo = (path: string, headers: string) =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${headers}\r\n\r\n`;

describe('a WebSocket', () => {
  test.each(['/v1/responses', '/v1/ws'])('is passed on at %s, both ways', async (path) => {
    const upstream = await socketUpstream();
    const { origin, log } = await socketGateway([codex(upstream.origin)]);
    const { socket, next } = await openSocket(origin, `${path}?key=${KEY}&conversation=7`, withKey);
    const bytes = randomBytes(200_000);
    socket.send('some words');
    socket.send(bytes);
    expect(await next()).toEqual({ data: Buffer.from('some words'), isBinary: false });
    expect(await next()).toEqual({ data: bytes, isBinary: true });
    expect(upstream.requests[0]?.url).toBe(`${path}?conversation=7`);
    expect(log).toMatchObject([{ route: path, status: 101, key_id: 1, client: '127.0.0.1' }]);
    expect(JSON.stringify(log)).not.toContain(KEY);
  });

  test('reaches the upstream with its credential, and without that of the client', async () => {
    const upstream = await socketUpstream();
    const { origin } = await socketGateway([codex(upstream.origin)]);
    await openSocket(origin, `/v1/responses?auth_token=${KEY}`, {
      headers: { ...withKey.headers, 'X-Api-Key': KEY, Cookie: `key=${KEY}`, 'OpenAI-Beta': 'responses' },
      protocols: ['realtime', `openai-insecure-api-key.${KEY}`],
    });
    const [request] = upstream.requests;
    expect(request?.headers.authorization).toBe(`Bearer ${SECRET}`);
    expect(request?.headers).toMatchObject({
      'openai-beta': 'responses',
      'sec-websocket-protocol': 'realtime',
    });
    expect(JSON.stringify([request?.rawHeaders, request?.url])).not.toContain(KEY);
  });

  test('may say something before the client does', async () => {
    const upstream = await socketUpstream((socket) => {
      for (let i = 0; i < 100; i++) socket.send(String(i));
    });
    const { origin } = await socketGateway([codex(upstream.origin)]);
    const { next } = await openSocket(origin, '/v1/responses', withKey);
    for (let i = 0; i < 100; i++) expect(String((await next()).data)).toBe(String(i));
  });

  test('has the subprotocol that the upstream chooses', async () => {
    const upstream = await socketUpstream(undefined, { protocol: 'second' });
    const { origin } = await socketGateway([codex(upstream.origin)]);
    const protocols = ['first', 'second'];
    const { socket } = await openSocket(origin, '/v1/responses', { ...withKey, protocols });
    expect(socket.protocol).toBe('second');
  });

  test('is not compressed, although the client offers it', async () => {
    const upstream = await socketUpstream();
    const { origin } = await socketGateway([codex(upstream.origin)]);
    const { socket } = await openSocket(origin, '/v1/responses', { ...withKey, perMessageDeflate: true });
    expect(socket.extensions).toBe('');
    expect(upstream.requests[0]?.headers['sec-websocket-extensions']).toBeUndefined();
  });

  test('goes to the credential with the prefix of its model', async () => {
    const [usual, dev] = [await socketUpstream(), await socketUpstream()];
    const credentials = [codex(usual.origin), codex(`${dev.origin}/v1`, 'key-of-dev', 'dev')];
    const { origin } = await socketGateway(credentials);
    const { socket, next } = await openSocket(origin, '/v1/responses?model=dev%2Fgpt-5', withKey);
    await openSocket(origin, '/v1/responses?model=gpt-5', withKey);
    // Messages pass as they are.
    const message = '{"type":"response.create","model":"dev/gpt-5"}';
    socket.send(message);
    expect(String((await next()).data)).toBe(message);
    expect(dev.requests[0]?.url).toBe('/v1/responses?model=gpt-5');
    expect(dev.requests[0]?.headers.authorization).toBe('Bearer key-of-dev');
    expect(usual.requests[0]?.url).toBe('/v1/responses?model=gpt-5');
  });
});

describe('while the upstream has not answered', () => {
  /** An upstream whose handshakes wait. */
  async function slowUpstream() {
    const upstream = await socketUpstream();
    const [handle] = upstream.server.listeners('upgrade');
    upstream.server.removeAllListeners('upgrade');
    const waiting: { socket: Socket; accept: () => void }[] = [];
    upstream.server.on('upgrade', (request, socket: Socket, head) => {
      const accept = () => void handle?.(request, socket, head);
      waiting.push({ socket: socket.on('error', () => undefined), accept });
    });
    return { ...upstream, waiting };
  }
  const asking = upgradeTo('/v1/ws', `${HANDSHAKE}\r\nAuthorization: Bearer ${KEY}`);

  test('a client that leaves gives its place back, and ends the handshake', async () => {
    const { origin: upstream, waiting } = await slowUpstream();
    const { origin, placesTaken } = await socketGateway([codex(upstream)]);
    const raw = await connectRaw(origin);
    raw.write(asking);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    expect(placesTaken()).toBe(1);
    const ended = once(waiting[0]?.socket.resume() as Socket, 'end');
    raw.socket.end();
    await ended;
    await vi.waitFor(() => expect(placesTaken()).toBe(0));
  });

  test('a frame of the client is kept', async () => {
    const { origin: upstream, waiting } = await slowUpstream();
    const { origin } = await socketGateway([codex(upstream)]);
    const raw = await connectRaw(origin);
    // "ab" and then "cd", masked with zeros.
    raw.socket.write(Buffer.from(`${asking}\x81\x82\0\0\0\0ab`, 'latin1'));
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    raw.socket.write(Buffer.from('\x81\x82\0\0\0\0cd', 'latin1'));
    waiting[0]?.accept();
    await vi.waitFor(() => expect(raw.text()).toContain('\x81\x02ab\x81\x02cd'));
  });
});

describe('a request for a WebSocket is refused over HTTP', () => {
  const errorOf = async (opening: ReturnType<typeof openSocket>) => {
    const { status, json, headers } = await refusalOf(opening);
    return { status, headers, ...json.error };
  };

  test('without a valid key: 401, and the upstream hears nothing', async () => {
    const upstream = await socketUpstream();
    const { origin, log } = await socketGateway([codex(upstream.origin)]);
    expect(await errorOf(openSocket(origin))).toMatchObject({
      status: 401,
      message: 'Missing API key',
      type: 'authentication_error',
    });
    const wrong = { headers: { Authorization: 'wrong' } };
    expect(await errorOf(openSocket(origin, '/v1/ws', wrong))).toMatchObject({
      status: 401,
      message: 'Invalid API key',
    });
    expect(upstream.requests).toEqual([]);
    expect(log).toMatchObject([{ status: 401, code: 'api_key_required' }, { status: 401 }]);
  });

  test('when the key has no place left: 429', async () => {
    const full = () => ({ code: 'rate_limited', retryAfter: 3, limits: [] }) as const;
    const { origin } = await socketGateway([], { full });
    expect(await errorOf(openSocket(origin, '/v1/ws', withKey))).toMatchObject({
      status: 429,
      headers: { 'retry-after': '3' },
      type: 'rate_limit_error',
    });
  });

  test.each([
    ['/v1/chat/completions', 404],
    ['/v0/management/config', 404],
    ['/v1/ws/', 404],
    ['/v1/./ws', 400],
    ['/v1/%2e%2e/ws', 400],
  ])('at the path %s: %i', async (path, status) => {
    const upstream = await socketUpstream();
    const { origin } = await socketGateway([codex(upstream.origin)]);
    const raw = await connectRaw(origin);
    raw.write(upgradeTo(path, `${HANDSHAKE}\r\nAuthorization: Bearer ${KEY}`));
    const [answer] = await raw.untilAnswers(1);
    expect(answer?.status).toBe(status);
    expect(JSON.parse(answer?.body ?? '')).toHaveProperty('error.message');
    await raw.closed;
  });

  test.each<[string, string, number]>([
    ['another version', HANDSHAKE.replace('13', '8'), 426],
    ['no key of the handshake', 'Sec-WebSocket-Version: 13', 400],
    ['a bad subprotocol', `${HANDSHAKE}\r\nSec-WebSocket-Protocol: a,,b`, 400],
  ])('with %s', async (_, headers, status) => {
    const { origin } = await socketGateway([]);
    const raw = await connectRaw(origin);
    raw.write(upgradeTo('/v1/ws', headers));
    const [answer] = await raw.untilAnswers(1);
    expect(answer?.status).toBe(status);
    if (status === 426) expect(answer?.headers['sec-websocket-version']).toBe('13');
  });

  test('when there is no upstream: 404', async () => {
    const { origin, placesTaken } = await socketGateway([]);
    expect(await errorOf(openSocket(origin, '/v1/ws', withKey))).toMatchObject({
      status: 404,
      code: 'no_upstream',
    });
    expect(placesTaken()).toBe(0);
  });

  test('when the upstream cannot be reached: 502', async () => {
    const { origin, placesTaken } = await socketGateway([codex('http://127.0.0.1:1')]);
    expect(await errorOf(openSocket(origin, '/v1/ws', withKey))).toMatchObject({
      status: 502,
      message: 'The upstream cannot be reached.',
      code: 'upstream_unreachable',
    });
    expect(placesTaken()).toBe(0);
  });

  test('when the upstream has no WebSockets: 502', async () => {
    const upstream = await socketUpstream();
    upstream.server.removeAllListeners('upgrade');
    const { origin } = await socketGateway([codex(upstream.origin)]);
    expect(await errorOf(openSocket(origin, '/v1/ws', withKey))).toMatchObject({
      status: 502,
      message: 'The upstream does not open a WebSocket here.',
      code: 'upstream_websocket_refused',
    });
  });

  test.each([
    ['does not answer', 'http', 'upstream_timeout'],
    ['takes no connection', 'https', 'upstream_connect_timeout'],
  ])('when the upstream %s: 504', async (_, scheme, code) => {
    const silent = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const limits = scheme === 'http' ? { firstByteMs: 100 } : { connectMs: 100 };
    const { origin, placesTaken } = await socketGateway([codex(`${scheme}://127.0.0.1:${port}`)], { limits });
    expect(await errorOf(openSocket(origin, '/v1/ws', withKey))).toMatchObject({ status: 504, code });
    expect(placesTaken()).toBe(0);
  });

  test('when the upstream closes the connection: 502', async () => {
    const closing = createHttpServer().on('upgrade', (_, socket) => socket.destroy());
    await listening(closing);
    const { origin } = await socketGateway([codex(originOf(closing))]);
    expect(await errorOf(openSocket(origin, '/v1/ws', withKey))).toMatchObject({
      status: 502,
      code: 'upstream_connection_lost',
    });
  });

  test('when the upstream has a rate limit: 429, and when to come back', async () => {
    const limited = createHttpServer().on('upgrade', (_, socket) =>
      socket.end('HTTP/1.1 429 Too Many Requests\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n'),
    );
    await listening(limited);
    const { origin } = await socketGateway([codex(originOf(limited))]);
    expect(await errorOf(openSocket(origin, '/v1/ws', withKey))).toMatchObject({
      ...{ status: 429, code: 'upstream_rate_limited', type: 'rate_limit_error' },
      headers: { 'retry-after': '9' },
    });
  });

  test('when the upstream refuses the credential: it rests, and the next one is tried', async () => {
    const seen: (string | undefined)[] = [];
    const refusing = createHttpServer().on('upgrade', ({ headers }, socket) => {
      seen.push(headers.authorization);
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
    });
    await listening(refusing);
    const upstream = await socketUpstream();
    const { origin } = await socketGateway([codex(originOf(refusing), 'revoked'), codex(upstream.origin)]);
    for (let i = 0; i < 4; i++) await openSocket(origin, '/v1/ws', withKey);
    expect(seen).toEqual(['Bearer revoked']);
    expect(upstream.requests).toHaveLength(4);

    const alone = await socketGateway([codex(originOf(refusing), 'revoked')]);
    expect(await errorOf(openSocket(alone.origin, '/v1/ws', withKey))).toMatchObject({
      status: 502,
      code: 'upstream_credential_refused',
      message: expect.stringContaining('Your own key is valid'),
    });
  });

  test('when no header can carry the credential: the next one is tried', async () => {
    const upstream = await socketUpstream();
    const unusable = codex('http://127.0.0.1:1', 'token-\u20ac');
    const { origin } = await socketGateway([unusable, codex(upstream.origin)]);
    for (let i = 0; i < 3; i++) await openSocket(origin, '/v1/ws', withKey);
    expect(upstream.requests).toHaveLength(3);

    const alone = await socketGateway([unusable]);
    expect(await errorOf(openSocket(alone.origin, '/v1/ws', withKey))).toMatchObject({
      status: 502,
      code: 'upstream_credential_refused',
      message: expect.stringContaining('Your own key is valid'),
    });
    expect(alone.placesTaken()).toBe(0);
  });

  test('when no header can carry the credential, no timer is left', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const upstream = {
      url: 'http://127.0.0.1:1',
      headers: { authorization: '\u20ac' },
      rest: () => 0,
    };
    const limits = { connectMs: 5_000, firstByteMs: 5_000, lookup: undefined };
    expect(await openUpstream(upstream, [], limits, () => undefined)).toMatchObject({
      failure: { code: 'upstream_credential_refused' },
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('unless it offers another protocol: then it is a request like any other', async () => {
    const { origin } = await socketGateway([]);
    const raw = await connectRaw(origin);
    const h2c = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA';
    raw.write(`GET / HTTP/1.1\r\nHost: localhost\r\n${h2c}\r\n\r\n`);
    await vi.waitFor(() => expect(raw.text()).toContain('over HTTP'));
  });
});

describe('while no key is needed', () => {
  test.each<[string, Setting['config']]>([
    ['because ws-auth is false', { wsAuth: false }],
    ['because there are no keys', { clientKeys: [] }],
  ])('a program may pass, and a page of another site may not: %s', async (_, config = {}) => {
    const upstream = await socketUpstream();
    const { origin } = await socketGateway([codex(upstream.origin)], { config });
    const { socket, next } = await openSocket(origin);
    socket.send('hello');
    expect(String((await next()).data)).toBe('hello');
    const foreign: [Record<string, string>, number][] = [
      [{ Origin: 'https://attacker.example' }, 403],
      [{ Host: 'attacker.example' }, 421],
      [{ 'X-Forwarded-For': '192.0.2.7' }, 421],
      [{ Origin: 'http://attacker.example', Host: 'attacker.example' }, 421],
    ];
    for (const [headers, status] of foreign)
      expect((await refusalOf(openSocket(origin, '/v1/ws', { headers }))).status).toBe(status);
    expect(upstream.requests).toHaveLength(1);
  });

  test('switching ws-auth on closes the sockets that came without a key, and no others', async () => {
    const upstream = await socketUpstream();
    const config = { wsAuth: false };
    const { origin, reload } = await socketGateway([codex(upstream.origin)], { config });
    const without = await openSocket(origin);
    reload({ wsAuth: true });
    const withOne = await openSocket(origin, '/v1/ws', withKey);
    reload({ wsAuth: true });
    expect(await without.closed).toEqual({ code: 1008, reason: 'An API key is needed now.' });
    withOne.socket.send('still open');
    expect(String((await withOne.next()).data)).toBe('still open');
  });
});
