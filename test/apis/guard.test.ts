import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendRaw } from '../support/http.ts';
import { bootstrapped, FIRST_KEY, type Running, register, startService } from '../support/keyhearth.ts';

type Operation = { security: object[] };
const { paths } = JSON.parse(
  readFileSync(new URL('../../openapi/openapi.json', import.meta.url), 'utf8'),
) as {
  paths: Record<string, Record<string, Operation>>;
};

const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { security }]) => ({
    method: method.toUpperCase(),
    path: path.replace('{id}', '1'),
    isOpen: security.length === 0,
  })),
);
const guardedOperations = operations.filter(({ isOpen }) => !isOpen);
const hasOpenMethod = (path: string) => operations.some((other) => other.isOpen && other.path === path);

/** Ways to write a path that some server, proxy or router takes for the same. */
const disguises: Record<string, (path: string) => string> = {
  'as it is': (path) => path,
  'a doubled first slash': (path) => `/${path}`,
  'doubled slashes inside': (path) => path.replaceAll('/', '//'),
  'a trailing slash': (path) => `${path}/`,
  'an encoded letter': (path) => path.replace('k', '%6b'),
  'every letter encoded': (path) => path.replace(/[a-z]/g, (c) => `%${c.charCodeAt(0).toString(16)}`),
  'a doubly encoded letter': (path) => path.replace('k', '%256b'),
  'upper case': (path) => path.toUpperCase(),
  'an encoded slash': (path) => path.replace(/(?<=.)\//, '%2f'),
  'an encoded trailing slash': (path) => `${path}%2F`,
  'a way round through an open path': (path) => `/health/..${path}`,
  'an encoded way round': (path) => `/health/%2e%2e${path}`,
  'a way round through the dashboard': (path) => `/dashboard/assets/../..${path}`,
  'an encoded way round through the dashboard': (path) => `/dashboard/%2e%2e${path}`,
  'a dot segment': (path) => `/.${path}`,
  'a backslash': (path) => path.replace(/(?<=.)\//, '\\'),
  'an encoded backslash': (path) => path.replace(/(?<=.)\//, '%5c'),
  'an absolute form': (path) => `http://elsewhere.test${path}`,
  'an absolute form of an open host': (path) => `http://localhost/health/..${path}`,
  'a query that names an open path': (path) => `${path}?/health`,
  'a fragment that names an open path': (path) => `${path}#/health`,
  'path parameters': (path) => `${path};/health`,
  'an encoded question mark': (path) => `${path}%3f/health`,
  'an encoded NUL': (path) => `${path}%00`,
  'a tab': (path) => `${path}%09`,
  'an overlong dot': (path) => `/health/%c0%ae%c0%ae${path}`,
  'a broken escape': (path) => `${path}%zz`,
};

describe('everything is guarded unless listed as open', () => {
  let keyhearth: Running;
  beforeAll(async () => {
    keyhearth = await startService({ env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } });
    await register(keyhearth.send);
  });
  afterAll(() => keyhearth.close());

  test('the open operations are these', () => {
    expect(
      operations
        .filter(({ isOpen }) => isOpen)
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    ).toEqual([
      'GET /',
      'GET /auth/bootstrap-status',
      'GET /auth/setup',
      'GET /docs',
      'GET /health',
      'GET /health/ready',
      'GET /meta',
      'GET /openapi.json',
      'GET /redoc',
      'POST /auth/accept-invitation',
      'POST /auth/login',
      'POST /auth/logout',
      'POST /auth/register-key',
      'POST /auth/setup',
      'POST /v1/auth/login',
      'POST /v1/auth/register',
    ]);
  });

  describe.each(guardedOperations)('$method $path', ({ method, path }) => {
    test.each(Object.entries(disguises))(
      'without a key, written with %s, is refused',
      async (_, disguise) => {
        const answer = await keyhearth.send({ method, path: disguise(path) });
        expect([400, 401]).toContain(answer.status);
        if (answer.json.message === undefined)
          expect(answer.json).toMatchObject({ status: answer.status, detail: expect.any(String) });
        else expect(answer.json).toEqual({ message: 'Unauthenticated.' });
      },
    );

    // A path with an open route answers other methods with 405, or by the open route.
    const otherMethods = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'PROPFIND'];
    test.each(hasOpenMethod(path) ? [] : otherMethods)('without a key, by %s, is refused', async (other) => {
      expect((await keyhearth.send({ method: other, path })).status).toBe(401);
    });

    test.each([
      ['a wrong key', { 'X-API-Key': 'a-wrong-key-0123456789-0123456789-abc' }],
      ['a key with a space behind', { 'X-API-Key': `${FIRST_KEY} x` }],
      ['a key cut by one', { 'X-API-Key': FIRST_KEY.slice(0, -1) }],
      ['a key in another case', { 'X-API-Key': FIRST_KEY.toUpperCase() }],
      ['a key by another scheme', { Authorization: `Basic ${FIRST_KEY}` }],
      ['a key with no scheme', { Authorization: FIRST_KEY }],
      ['a key in a cookie', { Cookie: `X-API-Key=${FIRST_KEY}` }],
      ['a method override', { 'X-HTTP-Method-Override': 'GET', 'X-Original-URL': '/health' }],
      ['a rewritten path', { 'X-Rewrite-URL': '/health', 'X-Forwarded-Uri': '/health' }],
    ])('with %s is refused', async (_, headers) => {
      expect((await keyhearth.send({ method, path, headers })).status).toBe(401);
    });

    test('with the key in the query is refused', async () => {
      expect(
        (await keyhearth.send({ method, path: `${path}?api_key=${FIRST_KEY}&apiKey=${FIRST_KEY}` })).status,
      ).toBe(401);
    });
  });

  test('nothing was changed by all of that', async () => {
    const { json } = await keyhearth.send({ path: '/auth/keys', key: FIRST_KEY });
    expect(json.keys).toMatchObject([{ id: 1, is_active: true }]);
  });
});

describe('the three ways to present a key', () => {
  let keyhearth: Running;
  beforeAll(async () => {
    keyhearth = await startService();
    await register(keyhearth.send);
  });
  afterAll(() => keyhearth.close());
  const list = async (headers: Record<string, string | string[]>) =>
    keyhearth.send({ path: '/auth/keys', headers });

  test.each<[string, Record<string, string | string[]>]>([
    ['X-Proxbox-API-Key', { 'X-Proxbox-API-Key': FIRST_KEY }],
    ['X-API-Key', { 'X-API-Key': FIRST_KEY }],
    ['a bearer token', { Authorization: `Bearer ${FIRST_KEY}` }],
    ['a bearer token in lower case', { authorization: `bearer ${FIRST_KEY}` }],
    ['a bearer token in capitals and more space', { Authorization: `BEARER   ${FIRST_KEY}` }],
    ['space around', { 'X-API-Key': `  ${FIRST_KEY}  ` }],
    [
      'all three, the same',
      { 'X-Proxbox-API-Key': FIRST_KEY, 'X-API-Key': FIRST_KEY, Authorization: `Bearer ${FIRST_KEY}` },
    ],
    ['one header twice, the same', { 'X-API-Key': [FIRST_KEY, FIRST_KEY] }],
    [
      'a header beside credentials for somebody else',
      { 'X-API-Key': FIRST_KEY, Authorization: 'Basic dXNlcjpwYXNz' },
    ],
    ['a header beside an empty one', { 'X-API-Key': FIRST_KEY, 'X-Proxbox-API-Key': '' }],
  ])('%s opens', async (_, headers) => {
    expect((await list(headers)).status).toBe(200);
  });

  const other = 'another-key-of-at-least-32-characters';
  test.each<[string, Record<string, string | string[]>]>([
    ['two headers', { 'X-Proxbox-API-Key': FIRST_KEY, 'X-API-Key': other }],
    ['a header and a bearer token', { 'X-API-Key': FIRST_KEY, Authorization: `Bearer ${other}` }],
    ['one header twice', { 'X-API-Key': [FIRST_KEY, other] }],
    ['Authorization twice', { Authorization: [`Bearer ${FIRST_KEY}`, `Bearer ${other}`] }],
  ])('different keys in %s are a 400', async (_, headers) => {
    const answer = await list(headers);
    expect(answer.status).toBe(400);
    expect(answer.json.code).toBe('conflicting_api_keys');
    expect(answer.text).not.toContain(other);
  });

  test.each<[string, Record<string, string>]>([
    ['an empty header', { 'X-API-Key': '' }],
    ['an empty bearer token', { Authorization: 'Bearer ' }],
    ['another scheme', { Authorization: 'Basic dXNlcjpwYXNz' }],
  ])('%s presents none', async (_, headers) => {
    expect((await list(headers)).json).toMatchObject({ code: 'api_key_required' });
  });

  test('a 401 for a wrong key says so in its challenge', async () => {
    const answer = await list({ 'X-API-Key': other });
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="keyhearth", error="invalid_token"');
    await list({ 'X-API-Key': FIRST_KEY });
  });
});

test('TRACE, of which Fetch has no request, is a 405 with a valid key', async () => {
  const { origin } = await bootstrapped();
  for (const body of ['', 'Content-Type: application/json\r\nContent-Length: 2\r\n']) {
    const head = `TRACE /auth/keys HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${FIRST_KEY}\r\nConnection: close\r\n`;
    const answer = await sendRaw(origin, `${head}${body}\r\n${body === '' ? '' : '{}'}`);
    expect(answer).toMatch(/^HTTP\/1.1 405 /);
  }
});

describe('what is hardly HTTP', () => {
  test.each([
    ['no Host', 'GET /auth/keys HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['a Host with a path', 'GET /keys HTTP/1.1\r\nHost: a/health?\r\nConnection: close\r\n\r\n', 400],
    ['HTTP/1.0', 'GET /auth/keys HTTP/1.0\r\n\r\n', 401],
    [
      'a target without a slash',
      'GET auth/keys HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      400,
    ],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
    [
      'an upgrade',
      'GET /auth/keys HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\n\r\n',
      401,
    ],
    [
      'an expectation',
      'GET /auth/keys HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\nConnection: close\r\n\r\n',
      401,
    ],
    [
      'a user in the target',
      'GET http://user:secret@a/auth/keys HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      400,
    ],
    ['a user in Host', 'GET /auth/keys HTTP/1.1\r\nHost: user@a\r\nConnection: close\r\n\r\n', 400],
    ['rubbish', '\x16\x03\x01\x02\r\n\r\n', 400],
    ['huge headers', `GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(66_000)}\r\n\r\n`, 431],
    [
      'large headers',
      `GET /auth/keys HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(60_000)}\r\nConnection: close\r\n\r\n`,
      401,
    ],
    ['a NUL in a header', 'GET /auth/keys HTTP/1.1\r\nHost: localhost\r\nX-API-Key: a\0b\r\n\r\n', 400],
    [
      'two lengths',
      'POST /auth/keys HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
    ],
    [
      'a length and chunks',
      'POST /auth/keys HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('%s is answered with a problem document', async (_, bytes, status) => {
    const { origin } = await bootstrapped();
    const answer = await sendRaw(origin, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toMatch(/content-type: application\/problem\+json/i);
    expect(answer).toContain('"detail":');
  });

  test('CONNECT gets no tunnel', async () => {
    const { origin } = await bootstrapped();
    expect(await sendRaw(origin, 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: localhost\r\n\r\n')).not.toMatch(
      /^HTTP\/1.1 2/,
    );
  });
});
