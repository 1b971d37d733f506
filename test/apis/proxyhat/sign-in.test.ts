import { describe, expect, test } from 'vitest';
import { bootstrapped, service, sqlIn } from '../../support/keyhearth.ts';
import { ADMIN, clientOf, PASSWORD, proxyhat } from '../../support/proxyhat.ts';

const UNAUTHENTICATED = { message: 'Unauthenticated.' };
const NEEDS_2FA = { message: 'Two-factor authentication required.', requires_2fa: true };
const ACCESS_TOKEN = /^kha_[0-9A-Za-z]{61}$/;

const open = { env: { KEYHEARTH_REGISTRATION: 'open' } };
const NEW = { name: 'New', email: 'new@example.com', password: PASSWORD, password_confirmation: PASSWORD };

const UNCONFIRMED = 'The password confirmation does not match.';

const refusal = (errors: object) => ({
  ...{ success: false, payload: null },
  errors,
  description: 'Validation failed',
});

describe('register', () => {
  test('makes an account and gives an access token, to the exact body', async () => {
    const { as } = await proxyhat(open);
    const answer = await as()('POST', 'auth/register', { ...NEW, referral_code: null, utm_source: 'x' });
    expect(answer.status).toBe(201);
    const token = answer.json.access_token;
    expect(token).toMatch(ACCESS_TOKEN);
    expect(answer.json).toEqual({
      message: 'Registered.',
      access_token: token,
      accessToken: token,
      token_type: 'Bearer',
    });
    const user = await as(token)('GET', 'auth/user');
    expect(user.json).toEqual({
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'New',
      email: 'new@example.com',
      traffic: {},
    });
  });

  test('is refused where it is closed, which is the default', async () => {
    const { as } = await proxyhat();
    const answer = await as()('POST', 'auth/register', NEW);
    expect([answer.status, answer.json]).toEqual([
      403,
      { message: 'Registration is closed. Ask an admin for an invitation.' },
    ]);
    expect((await as()('POST', 'auth/register', '{')).status).toBe(403);
  });

  test('is refused before anybody has set the service up', async () => {
    const { send } = await service(open);
    expect((await clientOf(send)('POST', 'auth/register', NEW)).status).toBe(403);
  });

  test.each([
    ['another password', { password_confirmation: 'another' }, { password: [UNCONFIRMED] }],
    ['no name', { name: undefined }, { name: ['The name field is required.'] }],
    ['a name of spaces', { name: '  ' }, { name: ['The name field is required.'] }],
    [
      'an e-mail address that is none',
      { email: 'x' },
      { email: ['The email field must be an e-mail address.'] },
    ],
    [
      'a short password',
      { password: 'short', password_confirmation: 'short' },
      { password: ['The password field must have at least 12 characters.'] },
    ],
    [
      'a common password',
      { password: 'qwerty123456', password_confirmation: 'qwerty123456' },
      { password: ['The password field is one of the most common passwords.'] },
    ],
  ])('refuses %s, to the exact body', async (_, change, errors) => {
    const { as } = await proxyhat(open);
    const answer = await as()('POST', 'auth/register', { ...NEW, ...change });
    expect([answer.status, answer.json]).toEqual([422, refusal(errors)]);
  });

  test('says that an e-mail address is taken, and counts that as a failed sign-in', async () => {
    const { as } = await proxyhat(open);
    const register = () => as()('POST', 'auth/register', { ...NEW, email: ADMIN.toUpperCase() });
    for (let i = 0; i < 5; i++) {
      const answer = await register();
      expect([answer.status, answer.json]).toEqual([
        422,
        refusal({ email: ['The email has already been taken.'] }),
      ]);
    }
    expect((await register()).status).toBe(429);
  });

  test('and until an admin approves the account, its keys work here alone', async () => {
    const { as, made, codeOf, dataDir, send } = await proxyhat(open);
    const { json } = await as()('POST', 'auth/register', NEW);
    const { plain_text_token: key } = await made(as(json.access_token));
    expect((await as(key)('GET', 'auth/user')).json).toMatchObject({ email: NEW.email });
    expect((await as(key)('POST', 'profile/api-keys')).status).toBe(201);
    expect(await codeOf(key)).toBe('NOT_FOUND');
    expect((await send({ path: '/auth/verify', key })).status).toBe(401);
    await sqlIn(dataDir, `update api_keys set account_standing = 'member'`);
    expect(await codeOf(key)).toBe('VALID');
  });
});

describe('login', () => {
  test('gives an access token, to the exact body', async () => {
    const { as } = await proxyhat();
    const answer = await as()('POST', 'auth/login', { email: ADMIN, password: PASSWORD, twofa_code: null });
    const { access_token: token } = answer.json;
    expect(answer.status).toBe(200);
    expect(token).toMatch(ACCESS_TOKEN);
    expect(answer.json).toEqual({
      message: 'Signed in.',
      access_token: token,
      accessToken: token,
      token_type: 'Bearer',
      requires_2fa: false,
    });
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'content-type': 'application/json' });
  });

  test.each([
    ['a wrong password', { email: ADMIN, password: 'wrong' }],
    ['an unknown e-mail address', { email: 'nobody@example.com', password: PASSWORD }],
  ])('refuses %s in the same way', async (_, body) => {
    const { as } = await proxyhat();
    const answer = await as()('POST', 'auth/login', body);
    expect([answer.status, answer.json]).toEqual([401, UNAUTHENTICATED]);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="keyhearth"');
  });

  test.each([
    ['no body', undefined, { body: expect.anything() }],
    [
      'an empty object',
      {},
      { email: ['The email field is required.'], password: ['The password field is required.'] },
    ],
    [
      'null',
      { email: null, password: null },
      { email: ['The email field is required.'], password: ['The password field is required.'] },
    ],
    [
      'values of other types',
      { email: 1, password: [] },
      { email: ['The email field must be a string.'], password: ['The password field must be a string.'] },
    ],
  ])('names the fields of %s', async (name, body, errors) => {
    const { as } = await proxyhat();
    const answer = await as()('POST', 'auth/login', body);
    expect(answer.status).toBe(422);
    if (name === 'no body') return expect(Object.keys(answer.json.errors)).not.toEqual([]);
    expect(answer.json).toEqual(refusal(errors));
  });

  test('is locked after five failures for an e-mail address, with integers in all headers', async () => {
    const { as, pass } = await proxyhat();
    const attempt = (password: string) => as()('POST', 'auth/login', { email: ADMIN, password });
    for (let i = 0; i < 5; i++) expect((await attempt('wrong')).status).toBe(401);
    const answer = await attempt(PASSWORD);
    expect([answer.status, answer.json]).toEqual([429, { message: 'Too Many Attempts.' }]);
    expect(answer.headers).toMatchObject({
      'retry-after': '900',
      'x-ratelimit-limit': '5',
      'x-ratelimit-remaining': '0',
    });
    pass(901);
    expect((await attempt(PASSWORD)).status).toBe(200);
  });

  test('and twenty failures of an address lock the address', async () => {
    const { as } = await proxyhat();
    const attempt = (email: string) => as()('POST', 'auth/login', { email, password: 'wrong' });
    for (let i = 0; i < 20; i++) expect((await attempt(`${i}@example.com`)).status).toBe(401);
    const answer = await attempt('21@example.com');
    expect(answer.status).toBe(429);
    expect(answer.headers['x-ratelimit-limit']).toBe('20');
  });
});

describe('an empty or dead Authorization: Bearer', () => {
  test('is ignored at register and login, and is no credential elsewhere', async () => {
    const { send, as } = await proxyhat(open);
    for (const Authorization of ['Bearer ', 'Bearer', `Bearer ${'x'.repeat(40)}`]) {
      const call = (path: string, body: object) =>
        send({ method: 'POST', path, headers: { Authorization }, body });
      expect((await call('/v1/auth/login', { email: ADMIN, password: PASSWORD })).status).toBe(200);
      const email = ` ${crypto.randomUUID()}@example.com `;
      expect((await call('/v1/auth/register', { ...NEW, email })).status).toBe(201);
    }
    const answer = await as()('GET', 'auth/user');
    expect([answer.status, answer.json]).toEqual([401, UNAUTHENTICATED]);
  });
});

describe('credentials', () => {
  test('logout ends that access token, and no other', async () => {
    const { signIn } = await proxyhat();
    const [one, other] = [await signIn(ADMIN), await signIn(ADMIN)];
    const answer = await one('POST', 'auth/logout');
    expect([answer.status, answer.text]).toEqual([204, '']);
    for (const [method, path] of [
      ['GET', 'auth/user'],
      ['POST', 'auth/logout'],
      ['GET', 'profile/api-keys'],
    ] as const) {
      const dead = await one(method, path);
      expect([dead.status, dead.json]).toEqual([401, UNAUTHENTICATED]);
    }
    expect((await other('GET', 'auth/user')).status).toBe(200);
  });

  test('an API key does not end by a logout', async () => {
    const { signIn, made, as } = await proxyhat();
    const call = as((await made(await signIn(ADMIN))).plain_text_token);
    const answer = await call('POST', 'auth/logout');
    expect([answer.status, answer.json]).toEqual([
      403,
      { message: 'This request needs an access token, and not an API key.' },
    ]);
    expect((await call('GET', 'auth/user')).status).toBe(200);
  });

  test('a dead access token is not counted by the lockout', async () => {
    const { signIn, as } = await proxyhat();
    const call = await signIn(ADMIN);
    await call('POST', 'auth/logout');
    for (let i = 0; i < 10; i++) {
      expect((await call('GET', 'auth/user')).status).toBe(401);
      expect((await as('kha_wrong')('GET', 'auth/user')).status).toBe(401);
    }
    await signIn(ADMIN);
  });

  test('wrong API keys are counted, and the lockout answers in this dialect', async () => {
    const { as } = await proxyhat({ env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '3' } });
    const call = as('a-wrong-key-0123456789-0123456789-abc');
    for (let i = 0; i < 3; i++) expect((await call('GET', 'auth/user')).json).toEqual(UNAUTHENTICATED);
    const answer = await call('GET', 'auth/user');
    expect([answer.status, answer.json]).toEqual([429, { message: 'Too Many Attempts.' }]);
    expect(answer.headers).toMatchObject({
      'retry-after': '300',
      'x-ratelimit-limit': '3',
      'x-ratelimit-remaining': '0',
    });
  });

  test('a key of no account is refused everywhere here, and is not counted', async () => {
    const { as, rawKey, signIn } = await proxyhat();
    for (let i = 0; i < 10; i++) {
      for (const path of ['auth/user', 'profile/api-keys', 'profile/nothing']) {
        const answer = await as(rawKey)('GET', path);
        expect([answer.status, answer.json]).toEqual([401, UNAUTHENTICATED]);
      }
    }
    await signIn(ADMIN);
  });

  test('an inactive key is refused', async () => {
    const { signIn, made, as, send, rawKey } = await proxyhat();
    const { id, plain_text_token } = await made(await signIn(ADMIN));
    await send({ method: 'POST', path: `/auth/keys/${id}/deactivate`, key: rawKey });
    expect((await as(plain_text_token)('GET', 'auth/user')).json).toEqual(UNAUTHENTICATED);
  });

  test('an access token works here alone, and a session does not work here', async () => {
    const { signIn, send } = await proxyhat();
    const { token } = await signIn(ADMIN);
    for (const path of ['/auth/self', '/auth/keys', '/auth/verify'])
      expect((await send({ path, headers: { Authorization: `Bearer ${token}` } })).status).toBe(401);
    const { headers } = await send({
      method: 'POST',
      path: '/auth/login',
      body: { email: ADMIN, password: PASSWORD },
    });
    const Cookie = String(headers['set-cookie']?.[0]?.split(';')[0]);
    expect((await send({ path: '/auth/self', headers: { Cookie } })).status).toBe(200);
    expect((await send({ path: '/v1/auth/user', headers: { Cookie } })).json).toEqual(UNAUTHENTICATED);
    const session = Cookie.split('=')[1];
    const asToken = await send({ path: '/v1/auth/user', headers: { Authorization: `Bearer ${session}` } });
    expect(asToken.json).toEqual(UNAUTHENTICATED);
  });

  test('of a key and an access token, the key decides', async () => {
    const { signIn, member, made, send } = await proxyhat();
    const { token } = await signIn(ADMIN);
    const { plain_text_token: key } = await made(await member('dev@example.com'));
    const Authorization = `Bearer ${token}`;
    const answer = await send({ path: '/v1/auth/user', key, headers: { Authorization } });
    expect(answer.json).toMatchObject({ email: 'dev@example.com' });
    const wrong = { key: 'a-wrong-key-0123456789-0123456789-abc', headers: { Authorization } };
    expect((await send({ path: '/v1/auth/user', ...wrong })).status).toBe(401);
  });
});

describe('other failures have the same form', () => {
  test('404, 405, 413, 415 and broken JSON', async () => {
    const { signIn, send } = await proxyhat();
    const call = await signIn(ADMIN);
    const headers = { Authorization: `Bearer ${call.token}` };
    const unknown = await call('GET', 'auth/supported-providers');
    expect([unknown.status, unknown.json]).toEqual([404, { message: 'Not found.' }]);
    const method = await call('PUT', 'profile/api-keys', {});
    expect([method.status, method.json]).toEqual([
      405,
      { message: 'This path answers GET, HEAD, POST only.' },
    ]);
    expect(method.headers.allow).toBe('GET, HEAD, POST');
    const large = await call('POST', 'profile/api-keys', { name: 'x'.repeat(70_000) });
    expect([large.status, large.json]).toEqual([413, { message: 'The request body is larger than 64 KiB.' }]);
    const path = '/v1/profile/api-keys';
    const form = await send({
      method: 'POST',
      path,
      headers: { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'name=x',
    });
    expect([form.status, form.json]).toEqual([
      415,
      { message: 'The request body must be JSON: send the header Content-Type: application/json.' },
    ]);
    const json = { ...headers, 'Content-Type': 'application/json' };
    const broken = await send({ method: 'POST', path, headers: json, body: '{' });
    expect([broken.status, broken.json]).toEqual([400, { message: 'The request body is not valid JSON.' }]);
    const list = await send({ method: 'POST', path, headers: json, body: '[]' });
    expect(list.status).toBe(422);
  });

  test('without a credential every path is a 401, also an unknown one', async () => {
    const { send } = await bootstrapped();
    for (const path of ['/v1/auth/user', '/v1/auth/nothing', '/v1/profile', '/v1/profile/nothing/at/all'])
      expect((await send(path)).json).toEqual(UNAUTHENTICATED);
  });
});

describe('where accounts must have two-factor authentication', () => {
  const all = { env: { KEYHEARTH_REQUIRE_2FA: 'all' } };

  test('an access token and a key get the exact 403, but at the routes that lead out', async () => {
    const { dataDir, member, as, codeOf, send, rawKey } = await proxyhat(all);
    const call = await member('dev@example.com');
    const { json: ofCore } = await send({ method: 'POST', path: '/auth/keys', key: rawKey, body: {} });
    const account = (await call('GET', 'auth/user')).json.uuid;
    await sqlIn(
      dataDir,
      `update api_keys set account_id = '${account}', account_standing = 'member' where id = ${ofCore.id}`,
    );
    for (const each of [call, as(ofCore.raw_key)]) {
      for (const [method, path, body] of [
        ['GET', 'profile/api-keys'],
        ['POST', 'profile/api-keys'],
        ['DELETE', `profile/api-keys/${ofCore.id}`],
        ['POST', `profile/api-keys/${ofCore.id}/regenerate`],
        [
          'POST',
          'profile/password',
          { current_password: PASSWORD, password: `${PASSWORD}!`, password_confirmation: `${PASSWORD}!` },
        ],
      ] as const) {
        const answer = await each(method, path, body);
        expect([path, answer.status, answer.json]).toEqual([path, 403, NEEDS_2FA]);
      }
      expect((await each('GET', 'auth/user')).status).toBe(200);
      expect((await each('GET', 'profile/2fa/status')).json).toEqual({ enabled: false });
    }
    expect(await codeOf(ofCore.raw_key)).toBe('VALID');
    expect((await call('POST', 'profile/2fa/enable')).status).toBe(200);
    await sqlIn(dataDir, `update accounts set is_totp_confirmed = 1 where id = '${account}'`);
    for (const each of [call, as(ofCore.raw_key)])
      expect((await each('GET', 'profile/api-keys')).status).toBe(200);
    expect((await call('POST', 'auth/logout')).status).toBe(204);
  });

  test('only admins, where only admins must', async () => {
    const { member, signIn } = await proxyhat({ env: { KEYHEARTH_REQUIRE_2FA: 'admins' } });
    expect((await (await member('dev@example.com'))('GET', 'profile/api-keys')).status).toBe(200);
    expect((await (await signIn(ADMIN))('GET', 'profile/api-keys')).json).toEqual(NEEDS_2FA);
  });
});
