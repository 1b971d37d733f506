import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer, Call, Send } from './support/http.ts';
import { bootstrapped, FIRST_KEY, type Running, service, sqlIn, startService } from './support/keyhearth.ts';

/** The wire contract of the core, row by row: what a client written for it relies on. */

const NO_KEY = 'No API key configured. Register a key via POST /auth/register-key or use an existing key.';

function expectProblem(answer: Answer, status: number, code: string, detail?: string): void {
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.json).toMatchObject({ type: 'about:blank', status, code });
  expect(answer.json.title).toEqual(expect.any(String));
  expect(answer.json.detail).toEqual(detail ?? expect.any(String));
  expect(answer.status).toBe(status);
  expect(answer.headers['cache-control']).toBe('no-store');
}

const create = async (send: Send, key = FIRST_KEY, body?: object): Promise<Answer> =>
  send({ method: 'POST', path: '/auth/keys', key, ...(body && { body }) });

describe('before the first key', () => {
  test('bootstrap is needed, and there are no keys', async () => {
    const { send } = await service();
    const answer = await send('/auth/bootstrap-status');
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ needs_bootstrap: true, has_db_keys: false });
  });

  test.each([undefined, FIRST_KEY])(
    'a guarded path says that no key is configured (key presented: %s)',
    async (key) => {
      const { send } = await service();
      for (let i = 0; i < 7; i++) {
        const answer = await send({ path: '/auth/keys', ...(key && { key }) });
        expectProblem(answer, 401, 'no_api_key_configured', NO_KEY);
      }
    },
  );

  test('the first key is registered with 201 and opens the door', async () => {
    const { send } = await service();
    const body = { api_key: FIRST_KEY, label: 'bootstrap-key' };
    const answer = await send({ method: 'POST', path: '/auth/register-key', body });
    expect(answer.status).toBe(201);
    expect(answer.json).toEqual({ detail: 'API key registered.' });
    const list = await send({ path: '/auth/keys', key: FIRST_KEY });
    expect(list.json.keys).toMatchObject([{ id: 1, label: 'bootstrap-key', is_active: true }]);
  });

  test('the label of the first key is optional', async () => {
    const { send } = await service();
    expect(
      (await send({ method: 'POST', path: '/auth/register-key', body: { api_key: FIRST_KEY } })).status,
    ).toBe(201);
    expect((await send({ path: '/auth/keys/1', key: FIRST_KEY })).json.label).toBe('');
  });

  test.each(['', 'short', 'x'.repeat(31)])(
    'a key shorter than 32 characters is refused: %j',
    async (api_key) => {
      const { send } = await service();
      const answer = await send({ method: 'POST', path: '/auth/register-key', body: { api_key } });
      expectProblem(answer, 400, 'invalid_request', 'API key must be at least 32 characters.');
      expect(answer.json.errors).toEqual([
        { path: 'api_key', message: 'API key must be at least 32 characters.' },
      ]);
      expect((await send('/auth/bootstrap-status')).json.needs_bootstrap).toBe(true);
    },
  );
});

describe('after the first key', () => {
  let keyhearth: Running;
  let send: Send;
  beforeAll(async () => {
    keyhearth = await startService();
    send = keyhearth.send;
    await send({ method: 'POST', path: '/auth/register-key', body: { api_key: FIRST_KEY, label: 'first' } });
  });
  afterAll(() => keyhearth.close());

  test('bootstrap is over', async () => {
    expect((await send('/auth/bootstrap-status')).json).toEqual({
      needs_bootstrap: false,
      has_db_keys: true,
    });
  });

  test.each([
    ['another key', { api_key: 'another-key-of-at-least-32-characters' }],
    ['the same key', { api_key: FIRST_KEY }],
    ['a short key', { api_key: 'short' }],
  ])('registration is refused with 409: %s', async (_, body) => {
    const answer = await send({ method: 'POST', path: '/auth/register-key', body });
    expectProblem(answer, 409, 'api_key_already_configured', 'An API key is already configured.');
  });

  test('without a key: 401 with the count, which is not used up', async () => {
    for (let i = 0; i < 7; i++) {
      const answer = await send('/auth/keys');
      expectProblem(answer, 401, 'api_key_required', 'API key required. 5 attempts remaining.');
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="keyhearth"');
    }
  });

  test('a created key shows its secret once', async () => {
    const answer = await create(send);
    expect(answer.status).toBe(201);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers.location).toBe(`/auth/keys/${answer.json.id}`);
    expect(answer.json).toEqual({
      id: expect.any(Number),
      account_id: null,
      label: '',
      hint: answer.json.raw_key.slice(0, 12),
      is_active: true,
      owner: '',
      prefix: 'kh',
      scopes: ['*'],
      status: 'active',
      expires_at: null,
      allowed_ips: [],
      rate_limits: [],
      max_concurrent: null,
      metadata: {},
      source: 'created',
      rotated_from: null,
      rotated_to: null,
      created_at: expect.closeTo(Date.now() / 1_000, -1),
      last_used_at: null,
      use_count: 0,
      raw_key: expect.stringMatching(/^kh_[0-9A-Za-z]{61}$/),
    });
    const read = await send({ path: `/auth/keys/${answer.json.id}`, key: answer.json.raw_key });
    const { raw_key, ...rest } = answer.json;
    expect(read.json).toEqual(rest);
    expect((await send({ path: '/auth/keys', key: FIRST_KEY })).text).not.toContain(raw_key);
  });

  test.each<[string, Omit<Call, 'path'>]>([
    ['no body', {}],
    ['an empty body', { body: '' }],
    ['an empty body that says JSON', { body: '', headers: { 'Content-Type': 'application/json' } }],
    ['an empty object', { body: {} }],
  ])('a key is created from %s, with an empty label', async (_, call) => {
    const answer = await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, ...call });
    expect(answer.status).toBe(201);
    expect(answer.json.label).toBe('');
  });

  test('created_at is seconds with milliseconds', async () => {
    const before = Date.now();
    const { json } = await create(send);
    const milliseconds = json.created_at * 1_000;
    expect(Math.abs(milliseconds - Math.round(milliseconds))).toBeLessThan(0.01);
    expect(milliseconds).toBeGreaterThanOrEqual(before - 0.5);
    expect(milliseconds).toBeLessThanOrEqual(Date.now() + 0.5);
  });

  test('a key is renamed by PATCH', async () => {
    const { json: made } = await create(send, FIRST_KEY, { label: 'old' });
    const { raw_key: _, ...key } = made;
    const path = `/auth/keys/${made.id}`;
    const answer = await send({ method: 'PATCH', path, key: FIRST_KEY, body: { label: 'new ✓' } });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ ...key, label: 'new ✓' });
    expect((await send({ path, key: FIRST_KEY })).json.label).toBe('new ✓');
  });

  test('a key is deactivated and activated, each as often as one likes', async () => {
    const { json: made } = await create(send);
    const path = `/auth/keys/${made.id}`;
    for (const [action, isActive] of [
      ['deactivate', false],
      ['deactivate', false],
      ['activate', true],
      ['activate', true],
    ] as const) {
      const answer = await send({ method: 'POST', path: `${path}/${action}`, key: FIRST_KEY });
      expect(answer.status).toBe(200);
      expect(answer.json).toMatchObject({ id: made.id, is_active: isActive });
      const use = await send({ path, key: made.raw_key });
      expect(use.status).toBe(isActive ? 200 : 401);
      await send({ path, key: FIRST_KEY });
    }
  });

  test('a deleted key is gone for good, and its id is not used again', async () => {
    const { json: made } = await create(send);
    const path = `/auth/keys/${made.id}`;
    const answer = await send({ method: 'DELETE', path, key: FIRST_KEY });
    expect(answer.status).toBe(204);
    expect(answer.text).toBe('');
    expectProblem(await send({ path, key: FIRST_KEY }), 404, 'api_key_not_found', 'API key not found.');
    expect((await create(send)).json.id).toBeGreaterThan(made.id);
    expect((await send({ path, key: made.raw_key })).status).toBe(401);
    await send({ path: '/auth/keys', key: FIRST_KEY });
  });

  test.each([
    ['GET', '/auth/keys/424242'],
    ['DELETE', '/auth/keys/424242'],
    ['POST', '/auth/keys/424242/activate'],
    ['POST', '/auth/keys/424242/deactivate'],
  ])('%s %s: 404', async (method, path) => {
    const answer = await send({ method, path, key: FIRST_KEY });
    expectProblem(answer, 404, 'api_key_not_found', 'API key not found.');
  });

  test('PATCH of a key that is not there: 404', async () => {
    const answer = await send({
      method: 'PATCH',
      path: '/auth/keys/424242',
      key: FIRST_KEY,
      body: { label: 'x' },
    });
    expectProblem(answer, 404, 'api_key_not_found', 'API key not found.');
  });

  test('an unknown path: 401 without a key, 404 with one', async () => {
    expectProblem(await send('/nowhere'), 401, 'api_key_required');
    expectProblem(await send({ path: '/nowhere', key: FIRST_KEY }), 404, 'not_found');
  });

  test.each([
    ['DELETE', '/auth/keys', 'GET, HEAD, POST'],
    ['PUT', '/auth/keys/1', 'DELETE, GET, HEAD, PATCH'],
    ['GET', '/auth/keys/1/activate', 'POST'],
    ['HEAD', '/auth/keys/1/deactivate', 'POST'],
  ])('a wrong method, with a key: 405 (%s %s)', async (method, path, allow) => {
    const answer = await send({ method, path, key: FIRST_KEY });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe(allow);
    if (method !== 'HEAD') expectProblem(answer, 405, 'method_not_allowed');
    expect((await send({ method, path })).status).toBe(401);
  });

  test.each([
    ['POST', '/health', 'GET, HEAD'],
    ['DELETE', '/', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
    ['GET', '/auth/register-key', 'POST'],
    ['PUT', '/auth/bootstrap-status', 'GET, HEAD'],
  ])('a wrong method on an open path: 405 (%s %s)', async (method, path, allow) => {
    const answer = await send({ method, path });
    expectProblem(answer, 405, 'method_not_allowed');
    expect(answer.headers.allow).toBe(allow);
  });

  test.each(['/', '/health', '/meta', '/docs', '/redoc', '/openapi.json'])(
    '%s is open to all',
    async (path) => {
      expect((await send(path)).status).toBe(200);
      expect((await send({ path, key: 'a-wrong-key-that-nobody-looks-at-here' })).status).toBe(200);
    },
  );

  test.each(['/', '/health', '/meta', '/docs', '/openapi.json', '/auth/bootstrap-status', '/auth/keys'])(
    'HEAD %s is GET without the body',
    async (path) => {
      const get = await send({ path, key: FIRST_KEY });
      const head = await send({ method: 'HEAD', path, key: FIRST_KEY });
      expect(head.status).toBe(get.status);
      expect(head.text).toBe('');
      expect(head.headers['content-type']).toBe(get.headers['content-type']);
    },
  );

  test('every answer names its request, each another', async () => {
    const ids = [await send('/health'), await send('/auth/keys')].map(
      (answer) => answer.headers['x-request-id'],
    );
    expect(new Set(ids).size).toBe(2);
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('the list', () => {
  test('is newest first, in pages', async () => {
    const { send } = await bootstrapped();
    for (const label of ['b', 'c', 'd', 'e']) await create(send, FIRST_KEY, { label });
    const page = async (query: string) => (await send({ path: `/auth/keys${query}`, key: FIRST_KEY })).json;
    const labels = (json: { keys: { label: string }[] }) => json.keys.map((key) => key.label);

    const all = await page('');
    expect(labels(all)).toEqual(['e', 'd', 'c', 'b', 'first']);
    expect(all).not.toHaveProperty('next_cursor');

    const first = await page('?limit=2');
    expect(labels(first)).toEqual(['e', 'd']);
    const second = await page(`?limit=2&cursor=${first.next_cursor}`);
    expect(labels(second)).toEqual(['c', 'b']);
    const last = await page(`?limit=2&cursor=${second.next_cursor}`);
    expect(labels(last)).toEqual(['first']);
    expect(last).not.toHaveProperty('next_cursor');
    expect(await page('?limit=5')).not.toHaveProperty('next_cursor');
    expect(labels(await page('?limit=1000'))).toHaveLength(5);
  });

  test('holds a hundred keys unless the query says otherwise', async () => {
    const { send, dataDir } = await bootstrapped();
    const rows = Array.from({ length: 150 }, (_, i) => `('bulk ${i}', 'none', 'none', 0, 0)`);
    await sqlIn(
      dataDir,
      `insert into api_keys (label, hint, hash, is_active, created_at) values ${rows.join()}`,
    );
    const { json } = await send({ path: '/auth/keys', key: FIRST_KEY });
    expect(json.keys).toHaveLength(100);
    const { json: rest } = await send({ path: `/auth/keys?cursor=${json.next_cursor}`, key: FIRST_KEY });
    expect(rest.keys).toHaveLength(51);
  });
});

describe('the last usable key that can manage keys', () => {
  test.each([
    ['POST', '/auth/keys/1/deactivate'],
    ['DELETE', '/auth/keys/1'],
  ])('is not retired by %s %s', async (method, path) => {
    const { send } = await bootstrapped();
    const answer = await send({ method, path, key: FIRST_KEY });
    expectProblem(answer, 409, 'last_active_api_key_required');
    expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
  });

  test('is not saved by an inactive one', async () => {
    const { send } = await bootstrapped();
    const { json: second } = await create(send);
    expect(
      (await send({ method: 'POST', path: `/auth/keys/${second.id}/deactivate`, key: FIRST_KEY })).status,
    ).toBe(200);
    expect((await send({ method: 'DELETE', path: '/auth/keys/1', key: FIRST_KEY })).status).toBe(409);
    expect((await send({ method: 'DELETE', path: `/auth/keys/${second.id}`, key: FIRST_KEY })).status).toBe(
      204,
    );
  });

  test('of the last two, two simultaneous attempts retire exactly one', async () => {
    const { send } = await bootstrapped();
    for (let round = 0; round < 20; round++) {
      const { json: second } = await create(send);
      const retireItself = (id: number, key: string) =>
        send({ method: 'POST', path: `/auth/keys/${id}/deactivate`, key });
      const answers = await Promise.all([
        retireItself(1, FIRST_KEY),
        retireItself(second.id, second.raw_key),
      ]);
      expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409]);
      const key = answers[0].status === 200 ? second.raw_key : FIRST_KEY;
      expect((await send({ method: 'POST', path: '/auth/keys/1/activate', key })).status).toBe(200);
      await send({ method: 'DELETE', path: `/auth/keys/${second.id}`, key: FIRST_KEY });
    }
  });

  test('retired keys do not reopen the bootstrap', async () => {
    const { send } = await bootstrapped();
    const { json: second } = await create(send);
    await send({ method: 'DELETE', path: '/auth/keys/1', key: second.raw_key });
    const answer = await send({ method: 'POST', path: '/auth/register-key', body: { api_key: FIRST_KEY } });
    expect(answer.status).toBe(409);
    expect((await send('/auth/bootstrap-status')).json).toEqual({
      needs_bootstrap: false,
      has_db_keys: true,
    });
  });
});

test('the last use of a key, and how often it was used, are written within seconds', async () => {
  const { send, dataDir } = await bootstrapped();
  for (let i = 0; i < 3; i++) await send({ path: '/auth/keys', key: FIRST_KEY });
  await send({ path: '/auth/keys', key: `${FIRST_KEY}-wrong` });
  const used = Date.now() / 1_000;
  const useCount = () => sqlIn(dataDir, 'select use_count from api_keys');
  await expect.poll(useCount).toEqual([{ use_count: 3 }]);
  const { json } = await send({ path: '/auth/keys/1', key: FIRST_KEY });
  expect(json.last_used_at).toBeCloseTo(used, -1);
});
