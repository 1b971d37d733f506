import { describe, expect, test } from 'vitest';
import { createBcryptPool } from '../../../src/keys/bcrypt-pool.ts';
import { client, sendRaw } from '../../support/http.ts';
import { managementServer, SECRET } from '../../support/management.ts';

const PATH = '/v0/management/ws-auth';
const bearer = (secret: string) => ({ path: PATH, headers: { Authorization: `Bearer ${secret}` } });
const withSecret = bearer(SECRET);

const error = (status: number, message: string, type = 'authentication_error') => ({
  status,
  json: { error: { message, type } },
});

const banned = (time: string) =>
  error(403, `IP banned due to too many failed attempts. Try again in ${time}`);
const wrong = error(401, 'invalid password');

describe('a secret', () => {
  test.each([
    ['Authorization: Bearer', { Authorization: `Bearer ${SECRET}` }],
    ['Authorization: bearer', { Authorization: `bearer  ${SECRET}` }],
    ['Authorization alone', { Authorization: SECRET }],
    ['X-Management-Key', { 'X-Management-Key': SECRET }],
    [
      'X-Management-Key beside an empty Authorization',
      { Authorization: 'Bearer ', 'X-Management-Key': SECRET },
    ],
  ])('is taken from %s', async (_, headers) => {
    const { ask } = await managementServer();
    expect(await ask({ path: PATH, headers })).toMatchObject({ status: 200, json: { 'ws-auth': true } });
  });

  test('in Authorization decides before the one in X-Management-Key', async () => {
    const { ask } = await managementServer();
    const headers = { Authorization: 'Bearer wrong', 'X-Management-Key': SECRET };
    expect(await ask({ path: PATH, headers })).toMatchObject(wrong);
  });

  test('that stands twice, once wrong, is refused', async () => {
    const { ask } = await managementServer();
    const headers = { Authorization: [`Bearer ${SECRET}`, 'Bearer wrong'] };
    expect(await ask({ path: PATH, headers })).toMatchObject(wrong);
  });

  test.each(['?key=', '?auth_token='])('is not read from the URL: %s', async (query) => {
    const { ask } = await managementServer();
    expect(await ask(`${PATH}${query}${SECRET}`)).toMatchObject(error(401, 'missing management key'));
  });

  test('in the environment replaces the one in the file', async () => {
    const { ask } = await managementServer({ password: 'of the environment' });
    expect(await ask(bearer('of the environment'))).toMatchObject({ status: 200 });
    expect(await ask(withSecret)).toMatchObject(wrong);
  });

  test('that changes in the file is valid from then on', async () => {
    const { ask, management } = await managementServer();
    expect(await ask(withSecret)).toMatchObject({ status: 200 });
    management.secretHash = '$2b$04$uVyVzGXTUNSPmKQcR5SUVuU3Tz2l5PqLSRvAyHzlVXXt9Rt7Nrm0m';
    expect(await ask(withSecret)).toMatchObject(wrong);
  });

  test('of this run works from this machine only', async () => {
    const { ask } = await managementServer({
      localPassword: 'of this run',
      management: { allowRemote: true },
    });
    expect(await ask(bearer('of this run'))).toMatchObject({ status: 200 });
    expect(await ask(withSecret)).toMatchObject({ status: 200 });
    const { headers } = bearer('of this run');
    const remote = { path: PATH, headers: { ...headers, 'X-Forwarded-For': '192.0.2.1' } };
    expect(await ask(remote)).toMatchObject(wrong);
  });
});

describe('without any secret', () => {
  test.each(['/v0/management', '/v0/management/config', '/v0/management/unknown', '/v0/management/'])(
    '%s does not exist',
    async (path) => {
      const { ask } = await managementServer({ management: { secretHash: null } });
      const answers = [
        await ask(path),
        await ask({ ...withSecret, path }),
        await ask({ path, method: 'OPTIONS' }),
        await ask({ path, headers: { 'X-Forwarded-For': '192.0.2.1' } }),
      ];
      for (const answer of answers) expect(answer).toMatchObject(error(404, 'Not Found', 'not_found'));
      for (let i = 0; i < 10; i++) await ask({ ...bearer('guess'), path });
      expect(await ask({ ...bearer('guess'), path })).toMatchObject({ status: 404 });
    },
  );

  test('a local password is one', async () => {
    const { ask } = await managementServer({ localPassword: 'local', management: { secretHash: null } });
    expect(await ask(bearer('local'))).toMatchObject({ status: 200 });
    expect(await ask(bearer(''))).toMatchObject(error(401, 'missing management key'));
    expect(await ask(withSecret)).toMatchObject(wrong);
  });
});

describe('a request from another machine', () => {
  test.each([
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Forwarded-Proto',
    'Forwarded',
    'X-Real-IP',
    'Via',
    'CF-Connecting-IP',
    'True-Client-IP',
    'X-Client-IP',
    'Fastly-Client-IP',
  ])('is known by %s', async (name) => {
    const { ask, management } = await managementServer();
    const headers = { ...withSecret.headers, [name]: '127.0.0.1' };
    expect(await ask({ path: PATH, headers })).toMatchObject(error(403, 'remote management disabled'));
    management.allowRemote = true;
    expect(await ask({ path: PATH, headers })).toMatchObject({ status: 200 });
  });

  test('is refused before its secret is read, and does not count', async () => {
    const { ask, compared } = await managementServer();
    const { headers } = bearer('wrong');
    for (let i = 0; i < 10; i++)
      expect(await ask({ path: PATH, headers: { ...headers, Via: '1.1 proxy' } })).toMatchObject({
        status: 403,
      });
    expect(compared).toEqual([]);
    expect(await ask(withSecret)).toMatchObject({ status: 200 });
  });
});

describe('the ban', () => {
  test('begins with the fifth wrong secret, and lasts for half an hour', async () => {
    const { ask, pass } = await managementServer();
    for (let i = 0; i < 5; i++) expect(await ask(bearer(`wrong ${i}`))).toMatchObject(wrong);
    expect(await ask(bearer('wrong'))).toMatchObject(banned('30m0s'));
    pass(2);
    expect(await ask(withSecret)).toMatchObject(banned('29m58s'));
    expect(await ask(PATH)).toMatchObject({ status: 403 });
    pass(1_755);
    expect(await ask(withSecret)).toMatchObject(banned('43s'));
    pass(43);
    expect(await ask(withSecret)).toMatchObject({ status: 200 });
  });

  test('does not count a missing secret, and a valid one clears the failures', async () => {
    const { ask } = await managementServer();
    for (let i = 0; i < 20; i++) {
      expect(await ask(PATH)).toMatchObject(error(401, 'missing management key'));
      expect(await ask(bearer(`wrong ${i}`))).toMatchObject(wrong);
      expect(await ask(withSecret)).toMatchObject({ status: 200 });
    }
  });

  test('is of one address', async () => {
    const { ask, origin } = await managementServer();
    for (let i = 0; i < 6; i++) await ask(bearer(`wrong ${i}`));
    expect(await client(origin, '127.0.0.2')(withSecret)).toMatchObject({ status: 200 });
  });

  test('counts for a trusted proxy too', async () => {
    const { ask } = await managementServer({ trustedProxies: ['127.0.0.1'] });
    for (let i = 0; i < 5; i++) expect(await ask(bearer(`wrong ${i}`))).toMatchObject(wrong);
    expect(await ask(withSecret)).toMatchObject({ status: 403 });
  });

  test('evaluates exactly five of a hundred guesses at once, over all threads', async () => {
    const { threads, compared } = await managementServer({ threads: 2 });
    const guesses = Array.from({ length: 100 }, (_, i) => threads[i % 2]?.ask(bearer(`guess ${i}`)));
    const answers = await Promise.all(guesses);
    const learned = answers.filter((answer) => answer?.json.error.message === 'invalid password');
    expect(learned).toHaveLength(5);
    expect(answers.filter((answer) => answer?.status === 403)).toHaveLength(95);
    // Each thread compares at most five.
    expect(compared.length).toBeLessThanOrEqual(10);
  });

  test('counts the pages of this machine apart, over all threads', async () => {
    const { ask, threads } = await managementServer({ threads: 2 });
    const PAGE = { Origin: 'https://page.example' };
    const fromPage = (secret: string, i: number) =>
      threads[i % 2]?.ask({ path: '/v0/management/ws-auth', headers: { Authorization: secret, ...PAGE } });
    for (let i = 0; i < 5; i++) expect(await fromPage(`wrong ${i}`, i)).toMatchObject(wrong);
    for (let i = 0; i < 2; i++) expect(await fromPage(SECRET, i)).toMatchObject({ status: 403 });
    expect(await ask(withSecret)).toMatchObject({ status: 200 });
  });
});

describe('bcrypt', () => {
  test('runs once for a valid secret, also for many requests at once', async () => {
    const { ask, auth, compared } = await managementServer();
    const header = (name: string) => (name === 'authorization' ? SECRET : undefined);
    const request = { peer: '127.0.0.1', headers: {}, header, address: '127.0.0.1', isFromLocalPage: false };
    const answers = await Promise.all(Array.from({ length: 20 }, () => auth.authenticate(request)));
    expect(answers).toEqual(answers.map(() => ({ state: 'authenticated', by: 'secret-key' })));
    await ask(withSecret);
    expect(compared).toEqual([SECRET]);
  });

  test('runs once for a wrong secret', async () => {
    const { ask, compared } = await managementServer();
    for (let i = 0; i < 4; i++) expect(await ask(bearer('wrong'))).toMatchObject(wrong);
    expect(compared).toEqual(['wrong']);
  });

  test('serves keys in turn with guesses, however many addresses send these', async () => {
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const run = async ({ do: what }: { do: string }) => {
      order.push(what);
      await gate.promise;
      return -1;
    };
    const pool = createBcryptPool(
      4,
      1,
      () => undefined,
      () => ({ run, close: async () => undefined }),
    );
    const { auth } = await managementServer({ bcrypt: pool });
    const guesses = Array.from({ length: 30 }, (_, i) => {
      const header = (name: string) => (name === 'authorization' ? `wrong ${i}` : undefined);
      const address = `10.0.0.${i}`;
      return auth.authenticate({ peer: '127.0.0.1', headers: {}, header, address, isFromLocalPage: false });
    });
    await expect.poll(() => pool.load().waiting).toBe(29);
    const key = pool.hash({ client: 'key 1', input: 'a new key' });
    gate.resolve();
    await Promise.all([key, ...guesses]);
    expect(order.indexOf('hash')).toBeLessThanOrEqual(2);
  });

  test('never sees a secret that it would cut', async () => {
    const { ask, compared } = await managementServer();
    expect(await ask(bearer(`${SECRET}${'x'.repeat(72)}`))).toMatchObject(wrong);
    expect(compared).toEqual([]);
  });
});

describe('every route', () => {
  test('needs the secret, except the callbacks and the control panel', async () => {
    const { ask, api } = await managementServer();
    const routes = api.routes.filter(({ method }) => method !== 'ALL');
    const open: string[] = [];
    for (const { method, path } of routes) {
      const { status } = await ask({ method, path: path.replace(':id', 'a') });
      if (status !== 401) open.push(path);
    }
    expect(open.sort()).toEqual([
      '/anthropic/callback',
      '/antigravity/callback',
      '/codex/callback',
      '/google/callback',
      '/iflow/callback',
      '/management.html',
    ]);
    expect(routes.length).toBeGreaterThan(40);
  });

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])(
    'that does not exist is a 404 to those who have the secret: %s',
    async (method) => {
      const { ask } = await managementServer();
      for (const path of ['/v0/management/latest-version', '/v0/management', '/v0/management/oauth/other'])
        expect(await ask({ ...withSecret, method, path })).toMatchObject(
          error(404, 'Not Found', 'not_found'),
        );
      expect(await ask({ method, path: '/v0/management/latest-version' })).toMatchObject({ status: 401 });
    },
  );

  test.each([
    ...['/v0//management/ws-auth', '//v0/management/ws-auth', '/V0/management/ws-auth'],
    ...['/v0/management%2fws-auth', '/v0/%6danagement/ws-auth', '/v0/management/%77s-auth'],
    ...[
      '/v1/../v0/management/ws-auth',
      '/v1/%2e%2e/v0/management/ws-auth',
      '/v0/management/../management/ws-auth',
    ],
    ...[
      '/v0/management/ws-auth/',
      '/v0/management\\ws-auth',
      '/./v0/management/ws-auth',
      '/v0/management;/ws-auth',
    ],
    ...['/anthropic/callback/../../v0/management/ws-auth', 'http://localhost/v0/management/ws-auth'],
  ])('needs it by each way to write its path: %s', async (path) => {
    const { origin } = await managementServer();
    const answer = await sendRaw(
      origin,
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 4/);
    expect(answer).not.toContain('ws-auth":');
  });
});

describe('pages of other origins', () => {
  const origin = { Origin: 'https://panel.example.com' };

  test('may send every request without a credential of the browser', async () => {
    const { ask } = await managementServer();
    const preflight = await ask({
      method: 'OPTIONS',
      path: PATH,
      headers: {
        ...origin,
        'Access-Control-Request-Method': 'PATCH',
        'Access-Control-Request-Headers': 'authorization,content-type',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-allow-methods': expect.stringContaining('PATCH'),
    });
    for (const call of [withSecret, bearer('wrong'), { ...withSecret, path: '/v0/management/unknown' }]) {
      const { headers } = await ask({ ...call, headers: { ...call.headers, ...origin } });
      expect(headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'X-CPA-VERSION',
        'x-cpa-version': expect.stringMatching(/^\d+\.\d+\.\d+/),
        'cache-control': 'no-store',
      });
      expect(headers).not.toHaveProperty('access-control-allow-credentials');
    }
  });
});

describe('the log', () => {
  test('has a line for each request, without the secret', async () => {
    const { ask, log } = await managementServer();
    await ask(withSecret);
    await ask(bearer('wrong-secret'));
    await ask({ ...withSecret, path: `${PATH}?state=wrong-secret` });
    expect(log).toMatchObject([
      { method: 'GET', route: PATH, status: 200, managed_by: 'secret-key', client: '127.0.0.1' },
      { method: 'GET', route: PATH, status: 401, code: 'management_refused' },
      { method: 'GET', route: PATH, status: 200, managed_by: 'secret-key' },
    ]);
    expect(JSON.stringify(log)).not.toMatch(/wrong-secret|management-key-of/);
  });

  test('sums up the refusals of one address, and never a request that was allowed', async () => {
    const { ask, log, requestLog, origin } = await managementServer();
    for (let i = 0; i < 50; i++) await ask(bearer(`wrong ${i}`));
    const other = client(origin, '127.0.0.2');
    for (let i = 0; i < 50; i++) await other(withSecret);
    requestLog.close();
    expect(log.filter(({ client: address }) => address === '127.0.0.1')).toHaveLength(11);
    expect(log).toContainEqual(expect.objectContaining({ client: '127.0.0.1', repeated: 40 }));
    expect(log.filter(({ client: address }) => address === '127.0.0.2')).toHaveLength(50);
  });
});
