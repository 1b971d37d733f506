import { describe, expect, test } from 'vitest';
import { codeAt } from '../support/codes.ts';
import type { Send } from '../support/http.ts';
import { sqlIn } from '../support/keyhearth.ts';
import { ADMIN, cookiesOf, peopled, setUpTwoFactor, withCookie } from '../support/people.ts';

const DAY_S = 86_400;
const NEW_PASSWORD = 'purple monkey dishwasher';

const ended = { status: 401, json: { code: 'invalid_session' } };

const login = (send: Send, headers: Record<string, string> = {}, body: object = ADMIN) =>
  send({ method: 'POST', path: '/auth/login', headers, body });

describe('the cookie', () => {
  test('is out of reach for scripts and for other sites, and lasts as long as the session', async () => {
    const { send } = await peopled();
    const { headers } = await login(send);
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(
        /^keyhearth_session=khs_[0-9A-Za-z]+; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
      ),
    ]);
  });

  test('is Secure behind a trusted proxy that has HTTPS, and only there', async () => {
    const trusting = await peopled({ env: { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' } });
    const direct = await peopled();
    const isSecure = async (send: Send, proto?: string) => {
      const { headers } = await login(send, proto === undefined ? {} : { 'X-Forwarded-Proto': proto });
      return /; Secure/.test(String(headers['set-cookie']));
    };
    expect(await isSecure(trusting.send, 'https')).toBe(true);
    expect(await isSecure(trusting.send, 'http')).toBe(false);
    // The trusted proxy has written the last one.
    expect(await isSecure(trusting.send, 'https, http')).toBe(false);
    expect(await isSecure(trusting.send, 'http, https')).toBe(true);
    expect(await isSecure(trusting.send)).toBe(false);
    expect(await isSecure(direct.send, 'https')).toBe(false);
  });

  test('is Secure for a page over HTTPS, also when the proxy does not say so', async () => {
    const { send } = await peopled();
    const attributesFor = async (origin: string) => {
      const { status, headers } = await login(send, { Origin: origin, 'Sec-Fetch-Site': 'same-origin' });
      return { status, isSecure: /; Secure/.test(String(headers['set-cookie'])) };
    };
    expect(await attributesFor('https://keys.example.com')).toEqual({ status: 200, isSecure: true });
    expect(await attributesFor('http://keys.example.com')).toEqual({ status: 200, isSecure: false });
  });

  test('is removed at the sign-out, and is of no use after it', async () => {
    const { send } = await peopled();
    const cookie = cookiesOf(await login(send));
    const person = withCookie(send, cookie);
    const answer = await person('POST', '/auth/logout');
    expect(answer).toMatchObject({ status: 204 });
    expect(String(answer.headers['set-cookie'])).toMatch(/^keyhearth_session=; Max-Age=0; Path=\//);
    expect(await person('GET', '/auth/self')).toMatchObject(ended);
  });
});

test('a locked address can sign out, and nothing else that needs no session', async () => {
  const { admin, send } = await peopled();
  for (let guess = 0; guess < 6; guess++) await send({ path: '/auth/self', key: 'wrong'.repeat(8) });
  expect(await login(send)).toMatchObject({ status: 429 });
  expect(await admin('GET', '/auth/self')).toMatchObject({ status: 200 });
  expect(await admin('POST', '/auth/logout')).toMatchObject({ status: 204 });
  expect(await admin('GET', '/auth/self')).toMatchObject(ended);
});

describe('time', () => {
  test('a session that nobody uses ends after 30 days', async () => {
    const { admin, pass } = await peopled();
    pass(30 * DAY_S);
    expect(await admin('GET', '/auth/self')).toMatchObject(ended);
  });

  test('KEYHEARTH_SESSION_DAYS changes that', async () => {
    const { send, pass } = await peopled({ env: { KEYHEARTH_SESSION_DAYS: '1' } });
    const answer = await login(send);
    expect(String(answer.headers['set-cookie'])).toContain('Max-Age=86400;');
    const person = withCookie(send, cookiesOf(answer));
    pass(DAY_S - 1);
    expect(await person('GET', '/auth/self')).toMatchObject({ status: 200 });
    pass(1);
    expect(await person('GET', '/auth/self')).toMatchObject(ended);
  });

  test('use renews it, once a day, in the database and in the browser', async () => {
    const { admin, pass, dataDir, clock } = await peopled();
    const renewedAt = async () => Number((await sqlIn(dataDir, 'select * from sessions'))[0]?.renewed_at);
    pass(DAY_S - 1);
    expect((await admin('GET', '/auth/self')).headers).not.toHaveProperty('set-cookie');
    for (let day = 0; day < 3; day++) {
      pass(20 * DAY_S);
      const { status, headers } = await admin('GET', '/auth/self');
      expect(status).toBe(200);
      expect(String(headers['set-cookie'])).toMatch(/^keyhearth_session=khs_.*; Max-Age=2592000;/);
      await expect.poll(renewedAt).toBe(clock.now());
      expect((await admin('GET', '/auth/self')).headers).not.toHaveProperty('set-cookie');
    }
    pass(30 * DAY_S);
    expect(await admin('GET', '/auth/self')).toMatchObject(ended);
  });

  test('the browser gets the cookie of the ProxyOS API again too', async () => {
    const { send, pass } = await peopled();
    const body = { json: ADMIN };
    const answer = await send({ method: 'POST', path: '/api/trpc/users.login', body });
    const cookie = cookiesOf(answer);
    expect(cookie).toMatch(/^proxyos_token=/);
    pass(DAY_S);
    const { status, headers } = await withCookie(send, cookie)('GET', '/api/trpc/publicApi.health');
    expect(status).toBe(200);
    expect(String(headers['set-cookie'])).toMatch(/^proxyos_token=khs_.*; Max-Age=2592000;/);
  });
});

describe('a change of the password', () => {
  const change = { current_password: ADMIN.password, password: NEW_PASSWORD };

  test('ends all other sessions of the account, and no others', async () => {
    const { admin, signIn, add, send, call } = await peopled();
    await add('other@example.com');
    const second = await signIn();
    const other = await signIn({ ...ADMIN, email: 'other@example.com' });
    expect(await admin('POST', '/auth/self/password', change)).toMatchObject({ status: 204 });
    expect(await second('GET', '/auth/self')).toMatchObject(ended);
    expect(await admin('GET', '/auth/self')).toMatchObject({ status: 200 });
    expect(await other('GET', '/auth/self')).toMatchObject({ status: 200 });
    expect(await login(send)).toMatchObject({ status: 401, json: { code: 'invalid_sign_in' } });
    expect(await login(send, {}, { ...ADMIN, password: NEW_PASSWORD })).toMatchObject({ status: 200 });
    const { json } = await call('GET', '/auth/audit?action=account.password_changed');
    expect(json.events).toMatchObject([{ actor: { kind: 'account' } }]);
    expect(JSON.stringify(json)).not.toContain(NEW_PASSWORD);
  });

  test('needs the current password, and a wrong one counts as a failed sign-in', async () => {
    const { admin, send } = await peopled();
    const wrong = { ...change, current_password: 'not the current password' };
    for (let i = 0; i < 5; i++)
      expect(await admin('POST', '/auth/self/password', wrong)).toMatchObject({
        status: 401,
        json: { code: 'invalid_sign_in' },
      });
    for (const answer of [await admin('POST', '/auth/self/password', change), await login(send)])
      expect(answer).toMatchObject({ status: 429, json: { code: 'too_many_sign_in_attempts' } });
  });

  test('of 10 at once with one current password, one succeeds', async () => {
    const { admin } = await peopled();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        admin('POST', '/auth/self/password', { ...change, password: `${NEW_PASSWORD} ${i}` }),
      ),
    );
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
  });

  test.each([
    ['elevenchars', 'must have at least 12 characters'],
    [' '.repeat(12), 'must not be spaces alone'],
    ['x'.repeat(513), 'must have at most 512 characters'],
    ['Football1234', undefined],
    ['unbelievable', 'is one of the most common passwords'],
    ['UNBELIEVABLE', 'is one of the most common passwords'],
    ['x'.repeat(512), undefined],
    ['🔥'.repeat(12), undefined],
    ['🔥'.repeat(11), 'must have at least 12 characters'],
    ['пароль пароль', undefined],
  ])('takes a good password only: %s', async (password, message) => {
    const { admin } = await peopled();
    const answer = await admin('POST', '/auth/self/password', { ...change, password });
    if (message === undefined) expect(answer).toMatchObject({ status: 204 });
    else expect(answer).toMatchObject({ status: 400, json: { errors: [{ path: 'password', message }] } });
  });

  test('every character of a long password counts', async () => {
    const { admin, send } = await peopled();
    const password = 'x'.repeat(500);
    await admin('POST', '/auth/self/password', { ...change, password });
    const more = { ...ADMIN, password: `${password.slice(0, -1)}y` };
    expect(await login(send, {}, more)).toMatchObject({ status: 401 });
    expect(await login(send, {}, { ...ADMIN, password })).toMatchObject({ status: 200 });
  });

  test('is not for a key', async () => {
    const { call } = await peopled();
    expect(await call('POST', '/auth/self/password', change)).toMatchObject({
      status: 403,
      json: { code: 'account_only' },
    });
  });
});

describe('a request with a session and an API key', () => {
  test('is one of the key', async () => {
    const { send, call } = await peopled();
    const Cookie = cookiesOf(await login(send));
    const key = (await call('POST', '/auth/keys', { label: 'weak', scopes: [] })).json.raw_key;
    const self = await send({ path: '/auth/self', key, headers: { Cookie } });
    expect(self.json).toMatchObject({ label: 'weak', scopes: [] });
    expect(await send({ path: '/auth/keys', key, headers: { Cookie } })).toMatchObject({ status: 403 });
    const wrong = { 'X-API-Key': 'a-wrong-key-0123456789-0123456789-abc', Cookie };
    expect(await send({ path: '/auth/self', headers: wrong })).toMatchObject({
      status: 401,
      json: { code: 'invalid_api_key' },
    });
  });
});

describe('KEYHEARTH_REQUIRE_2FA', () => {
  test.each([
    ['off', 200, 200],
    ['admins', 403, 200],
    ['all', 403, 403],
  ])('%s', async (value, ofAdmin, ofMember) => {
    const { admin, add, signIn, call } = await peopled({ env: { KEYHEARTH_REQUIRE_2FA: value } });
    await add('member@example.com');
    const member = await signIn({ ...ADMIN, email: 'member@example.com' });
    for (const [person, status] of [
      [admin, ofAdmin],
      [member, ofMember],
    ] as const) {
      const answer = await person('GET', '/auth/keys');
      expect(answer.status).toBe(status);
      if (status === 403) expect(answer.json.code).toBe('two_factor_setup_required');
      for (const path of ['/auth/self', '/auth/self/two-factor'])
        expect(await person('GET', path)).toMatchObject({ status: 200 });
      expect(await person('POST', '/auth/self/two-factor')).toMatchObject({ status: 200 });
      expect(await person('GET', '/auth/self/two-factor/recovery-codes')).toMatchObject({ status: 200 });
    }
    expect(await call('GET', '/auth/keys')).toMatchObject({ status: 200 });
    expect(await admin('POST', '/auth/logout')).toMatchObject({ status: 204 });
  });

  test('is over when the second factor is confirmed, and back when it is off', async () => {
    const { admin, clock, pass } = await peopled({ env: { KEYHEARTH_REQUIRE_2FA: 'all' } });
    const { secret } = await setUpTwoFactor(admin, clock);
    expect(await admin('GET', '/auth/keys')).toMatchObject({ status: 200 });
    pass(30);
    await admin('POST', '/auth/self/two-factor/disable', { code: codeAt(secret, clock.now()) });
    expect(await admin('GET', '/auth/keys')).toMatchObject({ status: 403 });
  });
});
