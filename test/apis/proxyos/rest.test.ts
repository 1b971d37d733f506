import { describe, expect, test } from 'vitest';
import { bootstrapped, FIRST_KEY, type Running, service, sqlIn } from '../../support/keyhearth.ts';
import { CHEAP, operated } from '../../support/keys.ts';
import { ADMIN, administered, PASSWORD } from '../../support/proxyos.ts';

/** The REST routes of the ProxyOS API: a small public surface, and the set-up. */

const SETUP = { email: ADMIN, password: PASSWORD };

const setUp = (
  { send }: Pick<Running, 'send'>,
  { headers = {}, body = SETUP }: { headers?: Record<string, string>; body?: object } = {},
) => send({ method: 'POST', path: '/api/auth/setup', headers, body });

const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

describe('the public surface', () => {
  const answers = { '/api/v1/health': { status: 'ok' }, '/api/v1/routes': [] };
  const scopes = { '/api/v1/health': 'health:read', '/api/v1/routes': 'routes:read' };

  test.each(Object.entries(answers))('%s', async (path, body) => {
    const { send, made } = await operated();
    const scope = scopes[path as keyof typeof scopes];
    for (const held of [[`proxyos:${scope}`], ['proxyos:admin'], ['*']]) {
      const { raw_key: key } = await made({ scopes: held });
      expect(await send({ path, headers: bearer(key) })).toMatchObject({ status: 200, json: body });
    }
    const without = await send(path);
    expect(without).toMatchObject({ status: 401, text: '{"error":"Missing Authorization header"}' });
    expect(without.headers['content-type']).toBe('application/json');
    expect(without.headers['www-authenticate']).toBe('Bearer realm="keyhearth"');
    const wrong = await send({ path, headers: bearer('pxos_wrong') });
    expect(wrong).toMatchObject({ status: 401, text: '{"error":"Invalid or expired API key"}' });
    const { raw_key: other } = await made({ scopes: ['proxyos:read', 'keys:*'] });
    expect(await send({ path, headers: bearer(other) })).toMatchObject({
      status: 403,
      json: { error: `Insufficient scope — requires "${scope}" or "admin"` },
    });
  });

  test('ignores sessions', async () => {
    const running = await operated();
    const { jar } = await administered(running, FIRST_KEY);
    const headers = { Cookie: jar.cookie ?? '' };
    expect((await running.send({ path: '/api/v1/health', headers })).status).toBe(401);
  });

  test('before any key exists', async () => {
    const { send } = await service();
    expect((await send('/api/v1/health')).json).toEqual({ error: 'Missing Authorization header' });
  });

  test('an unknown path, and another method', async () => {
    const { send } = await operated();
    for (const path of ['/api/v1/nope', '/api/auth/nope']) {
      expect((await send(path)).json).toEqual({ error: 'Missing Authorization header' });
      expect(await send({ path, headers: bearer(FIRST_KEY) })).toMatchObject({
        status: 404,
        json: { error: 'There is nothing at this path.' },
      });
    }
    const answer = await send({ method: 'POST', path: '/api/v1/health', headers: bearer(FIRST_KEY) });
    expect(answer).toMatchObject({ status: 405, json: { error: 'This path answers GET, HEAD only.' } });
  });

  test('a path of the API without a route belongs to the core', async () => {
    const { send } = await operated();
    expect((await send('/api')).json).toMatchObject({ code: 'api_key_required' });
  });
});

describe('the set-up', () => {
  test('while no key is registered, makes the first key too', async () => {
    const running = await service({ config: CHEAP });
    const { send } = running;
    expect((await send('/api/auth/setup-status')).text).toBe('{"needsSetup":true}');
    const answer = await setUp(running);
    expect(answer).toMatchObject({
      status: 201,
      json: { id: expect.any(String), email: ADMIN, role: 'admin', raw_key: expect.stringMatching(/^kh_/) },
    });
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^proxyos_token=khs_.*; HttpOnly; SameSite=Lax$/);
    expect((await send('/api/auth/setup-status')).text).toBe('{"needsSetup":false}');
    expect((await send({ path: '/auth/keys', key: answer.json.raw_key })).status).toBe(200);
    expect(await setUp(running)).toMatchObject({
      status: 403,
      text: '{"error":"Setup already complete"}',
    });
  });

  test('needs a managing key when one is registered', async () => {
    const running = await operated();
    expect(await setUp(running)).toMatchObject({ status: 401 });
    const { raw_key: limited } = await running.made({ scopes: ['proxyos:admin', 'keys:*'] });
    expect(await setUp(running, { headers: bearer(limited) })).toMatchObject({ status: 403 });
    expect(await setUp(running, { headers: bearer('wrong') })).toMatchObject({ status: 401 });
    const answer = await setUp(running, { headers: bearer(FIRST_KEY) });
    expect(answer.status).toBe(201);
    expect(answer.json).toEqual({ id: expect.any(String), email: ADMIN, role: 'admin' });
  });

  test('needs the bootstrap token where one is set', async () => {
    const token = 'bootstrap-token-0123456789-0123456789';
    const running = await service({ config: CHEAP, env: { KEYHEARTH_BOOTSTRAP_TOKEN: token } });
    expect(await setUp(running)).toMatchObject({
      status: 401,
      json: { error: 'Bootstrap token required: send it in the header X-Bootstrap-Token.' },
    });
    const wrong = await setUp(running, { headers: { 'X-Bootstrap-Token': 'wrong' } });
    expect(wrong).toMatchObject({ status: 401, json: { error: expect.stringContaining('4 attempts') } });
    expect(await setUp(running, { headers: { 'X-Bootstrap-Token': token } })).toMatchObject({ status: 201 });
  });

  test.each<[string, object, string]>([
    ['a short password', { ...SETUP, password: 'short' }, 'password must have at least 12 characters.'],
    [
      'a common password',
      { ...SETUP, password: 'password1234' },
      'password is one of the most common passwords.',
    ],
    ['no e-mail address', { ...SETUP, email: 'admin' }, 'email must be an e-mail address.'],
    ['nothing', {}, 'email is required. password is required.'],
  ])('with %s is a 400', async (_, body, error) => {
    const running = await service({ config: CHEAP });
    expect(await setUp(running, { body })).toMatchObject({ status: 400, json: { error } });
    expect((await running.send('/api/auth/setup-status')).json).toEqual({ needsSetup: true });
  });

  test('from a page of another site is refused', async () => {
    const running = await service({ config: CHEAP });
    const answer = await setUp(running, { headers: { Origin: 'https://evil.example' } });
    expect(answer).toMatchObject({ status: 403, json: { error: expect.stringContaining('another site') } });
  });

  test('of 20 at once, exactly one succeeds', async () => {
    const running = await service({ config: CHEAP, env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        setUp(running, { body: { ...SETUP, email: `a${i}@example.com` } }),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array(19).fill(403)]);
    expect(await sqlIn(running.dataDir, 'select id from accounts')).toHaveLength(1);
    expect(await sqlIn(running.dataDir, 'select id from api_keys')).toHaveLength(1);
  });

  test('and register-key at once: exactly one takes the claim', async () => {
    const running = await service({ config: CHEAP, env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        i % 2 === 0
          ? setUp(running)
          : running.send({
              method: 'POST',
              path: '/auth/register-key',
              body: { api_key: `${FIRST_KEY}-${i}`, label: '' },
            }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await sqlIn(running.dataDir, 'select id from api_keys')).toHaveLength(1);
    for (const { status } of answers) expect([201, 401, 403, 409]).toContain(status);
  });
});

test('the cookie is Secure behind a trusted proxy that speaks HTTPS', async () => {
  const https = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '192.0.2.1' };
  const trusting = await bootstrapped({
    config: CHEAP,
    env: { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1', KEYHEARTH_SESSION_DAYS: '7' },
  });
  const answer = await setUp(trusting, { headers: { ...https, ...bearer(FIRST_KEY) } });
  expect(answer.headers['set-cookie']?.[0]).toMatch(
    /^proxyos_token=khs_\w+; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  );
  const login = await trusting.send({
    method: 'POST',
    path: '/api/trpc/users.login',
    headers: https,
    body: { json: SETUP },
  });
  expect(login.headers['set-cookie']?.[0]).toContain('; Secure;');
});
