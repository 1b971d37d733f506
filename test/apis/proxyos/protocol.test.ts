import { describe, expect, test } from 'vitest';
import { bootstrapped, FIRST_KEY, service } from '../../support/keyhearth.ts';
import { CHEAP } from '../../support/keys.ts';
import { administered, failureOf, PASSWORD, proxyosClient } from '../../support/proxyos.ts';

/** What tRPC looks like from outside: raw HTTP, for curl and for exact errors. */

const bearer = { Authorization: `Bearer ${FIRST_KEY}` };
const started = () => bootstrapped({ config: CHEAP, env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } });

const error = (message: string, code: number, name: string, httpStatus: number, path?: string) => ({
  error: { json: { message, code, data: { code: name, httpStatus, ...(path && { path }) } } },
});

describe('an unknown procedure', () => {
  test.each(['routes.nope', 'nope', 'apiKeys', '__proto__', 'apiKeys.list.more'])('%s', async (path) => {
    const { send } = await started();
    const expected = error(`No procedure found on path "${path}"`, -32004, 'NOT_FOUND', 404, path);
    for (const headers of [{}, bearer, { Authorization: 'Bearer wrong' }]) {
      for (const method of ['GET', 'POST']) {
        const answer = await send({ method, path: `/api/trpc/${path}`, headers });
        expect(answer.status).toBe(404);
        expect(answer.json).toEqual(expected);
      }
    }
  });

  test.each(['/api/trpc', '/api/trpc/', '/api/trpc/a/b'])('%s is answered by tRPC too', async (path) => {
    const { send } = await started();
    const answer = await send(path);
    expect(answer.status).toBe(404);
    expect(answer.json.error.json).toMatchObject({ code: -32004 });
  });
});

describe('exact errors', () => {
  test('without a credential', async () => {
    const { send } = await started();
    const answer = await send('/api/trpc/apiKeys.list');
    expect(answer).toMatchObject({
      status: 401,
      json: error('Not authenticated', -32001, 'UNAUTHORIZED', 401, 'apiKeys.list'),
    });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'www-authenticate': 'Bearer realm="keyhearth"',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
  });

  test('before any key exists', async () => {
    const { send } = await service();
    expect((await send('/api/trpc/apiKeys.list')).json).toEqual(
      error('Not authenticated', -32001, 'UNAUTHORIZED', 401, 'apiKeys.list'),
    );
  });

  test('a wrong key', async () => {
    const { send } = await started();
    const answer = await send({
      path: '/api/trpc/apiKeys.list',
      headers: { Authorization: 'Bearer pxos_wrong' },
    });
    expect(answer.json).toEqual(
      error('Invalid or expired API key', -32001, 'UNAUTHORIZED', 401, 'apiKeys.list'),
    );
  });

  test('GET of a mutation, and POST of a query', async () => {
    const { send } = await started();
    const get = await send({ path: '/api/trpc/apiKeys.create', headers: bearer });
    const message = 'Unsupported GET-request to mutation procedure at path "apiKeys.create"';
    expect(get).toMatchObject({
      status: 405,
      json: error(message, -32005, 'METHOD_NOT_SUPPORTED', 405, 'apiKeys.create'),
    });
    expect(get.headers.allow).toBe('POST');
    const post = await send({ method: 'POST', path: '/api/trpc/apiKeys.list', headers: bearer });
    expect(post.status).toBe(405);
    expect(post.headers.allow).toBe('GET');
  });

  test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s is a 405 without CORS headers', async (method) => {
    const { send } = await started();
    const answer = await send({
      method,
      path: '/api/trpc/apiKeys.list',
      headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'GET' },
    });
    expect(answer.status).toBe(405);
    expect(answer.json.error.json).toMatchObject({ code: -32005, data: { code: 'METHOD_NOT_SUPPORTED' } });
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('a body that is no JSON by its type', async () => {
    const { send } = await started();
    const answer = await send({
      method: 'POST',
      path: '/api/trpc/apiKeys.create',
      headers: { ...bearer, 'Content-Type': 'text/plain' },
      body: '{}',
    });
    expect(answer.status).toBe(415);
    expect(answer.json.error.json).toMatchObject({
      code: -32015,
      data: { code: 'UNSUPPORTED_MEDIA_TYPE', httpStatus: 415 },
    });
  });

  test('a body that is no JSON by its content does not come back', async () => {
    const { send } = await started();
    const headers = { ...bearer, 'Content-Type': 'application/json' };
    const body = `{"name": "${PASSWORD}`;
    const answer = await send({ method: 'POST', path: '/api/trpc/apiKeys.create', headers, body });
    expect(answer.json).toEqual(
      error(
        'input must be JSON, as it is or in the form of superjson.',
        -32600,
        'BAD_REQUEST',
        400,
        'apiKeys.create',
      ),
    );
    const query = await send({ path: '/api/trpc/users.getProfile?input=%7B"secret', headers: bearer });
    expect(query.status).toBe(400);
    expect(query.text).not.toContain('secret');
  });

  test('a body that is too large', async () => {
    const { send } = await started();
    const headers = { ...bearer, 'Content-Type': 'application/json' };
    const body = JSON.stringify({ name: 'a'.repeat(70_000) });
    const answer = await send({ method: 'POST', path: '/api/trpc/apiKeys.create', headers, body });
    expect(answer.status).toBe(413);
    expect(answer.json.error.json.data).toEqual({ code: 'PAYLOAD_TOO_LARGE', httpStatus: 413 });
  });

  test('an unexpected error shows nothing of the service, and is logged', async () => {
    const running = await started();
    const { client } = await administered(running, FIRST_KEY);
    const { apiKeys } = client;
    const { sqlIn } = await import('../../support/keyhearth.ts');
    await apiKeys.create.mutate({ name: 'ci', scopes: ['read'] });
    await sqlIn(running.dataDir, `update api_keys set metadata = '{"broken' where prefix = 'pxos'`);
    const answer = await running.send({ path: '/api/trpc/apiKeys.list', headers: bearer });
    expect(answer.status).toBe(500);
    expect(answer.json.error.json).toEqual({
      message:
        'Something went wrong here. The log says more: search it for the id in the header X-Request-Id.',
      code: -32603,
      data: { code: 'INTERNAL_SERVER_ERROR', httpStatus: 500, path: 'apiKeys.list' },
    });
    expect(running.log.find(({ msg }) => msg === 'a request failed')).toMatchObject({
      request_id: answer.headers['x-request-id'],
      err: { type: 'SyntaxError' },
    });
  });

  test('no error has a stack', async () => {
    const { send } = await started();
    const paths = [
      '/api/trpc/nope',
      '/api/trpc/apiKeys.list',
      '/api/trpc/apiKeys.create',
      '/api/trpc/a?batch=1',
    ];
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'PUT'])
        expect((await send({ method, path })).text).not.toMatch(/stack|node_modules|\.ts:/);
    }
  });
});

describe('with curl', () => {
  test('a body as it is', async () => {
    const { send } = await started();
    const answer = await send({
      method: 'POST',
      path: '/api/trpc/apiKeys.create',
      headers: bearer,
      body: { name: 'ci', scopes: ['read'] },
    });
    expect(answer.status).toBe(200);
    expect(answer.json.result.data.json).toEqual({
      id: expect.any(String),
      key: expect.stringMatching(/^pxos_/),
    });
  });

  test('a body in the form of superjson, also with undefined', async () => {
    const { send } = await started();
    const body = {
      json: { name: 'ci', scopes: ['read'], expiresInDays: null },
      meta: { values: { expiresInDays: ['undefined'] } },
    };
    const answer = await send({ method: 'POST', path: '/api/trpc/apiKeys.create', headers: bearer, body });
    expect(answer.status).toBe(200);
  });

  test('a query with an input as it is', async () => {
    const running = await started();
    const { id, jar } = await administered(running, FIRST_KEY);
    const headers = { Cookie: jar.cookie ?? '' };
    const bare = encodeURIComponent(JSON.stringify({ id }));
    const wrapped = encodeURIComponent(JSON.stringify({ json: { id } }));
    for (const input of [bare, wrapped]) {
      const answer = await running.send({ path: `/api/trpc/users.getProfile?input=${input}`, headers });
      expect(answer.json.result.data.json).toMatchObject({ id });
    }
  });

  test('a batch of inputs as they are', async () => {
    const { send } = await started();
    const answer = await send({
      method: 'POST',
      path: '/api/trpc/apiKeys.create,apiKeys.revoke?batch=1',
      headers: bearer,
      body: { 0: { name: 'ci', scopes: ['read'] }, 1: { json: { id: '99' } } },
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject([{ result: {} }, { result: { data: { json: { ok: true } } } }]);
  });

  test('a mutation without an input needs no body and no type', async () => {
    const running = await started();
    const { jar } = await administered(running, FIRST_KEY);
    const headers = { Cookie: jar.cookie ?? '' };
    const answer = await running.send({ method: 'POST', path: '/api/trpc/users.logout', headers });
    expect(answer.json.result.data.json).toEqual({ ok: true });
  });

  test('HEAD answers like GET, without the body', async () => {
    const { send } = await started();
    const answer = await send({ method: 'HEAD', path: '/api/trpc/apiKeys.list' });
    expect(answer).toMatchObject({ status: 401, text: '' });
  });
});

describe('a batch', () => {
  test('whose calls end differently is a 207, and each has its own answer', async () => {
    const running = await started();
    const { client, jar } = proxyosClient(running.origin, { key: FIRST_KEY });
    const results = await Promise.allSettled([
      client.publicApi.health.query(),
      client.users.getProfile.query({ id: 'nobody' }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(jar.answers).toEqual([207]);
  });

  test('of unknown and known procedures without a credential is a 207', async () => {
    const { send } = await started();
    const answer = await send('/api/trpc/nope,apiKeys.list?batch=1');
    expect(answer.status).toBe(207);
    expect(answer.json).toEqual([
      error('No procedure found on path "nope"', -32004, 'NOT_FOUND', 404, 'nope'),
      error('Not authenticated', -32001, 'UNAUTHORIZED', 401, 'apiKeys.list'),
    ]);
  });

  test('is authenticated once', async () => {
    const { send } = await bootstrapped({ config: CHEAP });
    const path = `/api/trpc/${Array(20).fill('apiKeys.list').join(',')}?batch=1`;
    // One failed attempt, and not twenty.
    const wrong = await send({ path, headers: { Authorization: 'Bearer wrong-0123456789-0123456789' } });
    expect(wrong.status).toBe(401);
    expect(wrong.json).toHaveLength(20);
    const self = await send({ path: '/auth/self', key: 'another-wrong-key-0123456789-0123456789' });
    expect(self.json.detail).toBe('Invalid API key. 3 attempts remaining.');
  });

  test('of more than 100 calls is refused', async () => {
    const { send } = await started();
    const path = `/api/trpc/${Array(101).fill('apiKeys.list').join(',')}?batch=1`;
    const answer = await send({ path, headers: bearer });
    expect(answer.status).toBe(400);
    expect(answer.json.error.json.message).toBe('Batch call exceeds maximum size.');
  });

  test('a client that sends calls one by one works too', async () => {
    const running = await started();
    const { client } = proxyosClient(running.origin, { key: FIRST_KEY, isBatched: false });
    expect(await client.publicApi.health.query()).toEqual({ status: 'ok' });
    expect(await failureOf(client.apiKeys.revoke.mutate({} as never))).toMatchObject({ number: -32600 });
  });
});

test('a locked address gets nothing but TOO_MANY_REQUESTS, also for a sign-in', async () => {
  const running = await bootstrapped({ config: CHEAP });
  for (let i = 0; i < 6; i++)
    await running.send({ path: '/auth/self', key: `wrong-key-${i}-0123456789-0123456789` });
  const { client } = proxyosClient(running.origin, { key: FIRST_KEY });
  const locked = { code: 'TOO_MANY_REQUESTS', status: 429, number: -32029 };
  expect(await failureOf(client.apiKeys.list.query())).toMatchObject(locked);
  const login = { email: 'a@example.com', password: PASSWORD };
  expect(await failureOf(client.users.login.mutate(login))).toMatchObject(locked);
  const answer = await running.send({ path: '/api/trpc/apiKeys.list', headers: bearer });
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
});

test('a host that the service does not answer for', async () => {
  const { send } = await started();
  const answer = await send({ path: '/api/trpc/apiKeys.list', headers: { Host: 'evil.example' } });
  expect(answer.status).toBe(400);
  expect(answer.json.error.json.data).toEqual({ code: 'BAD_REQUEST', httpStatus: 400 });
});
