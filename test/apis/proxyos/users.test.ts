import { beforeEach, describe, expect, test } from 'vitest';
import { codeAt, wrongCodeAt } from '../../support/codes.ts';
import { FIRST_KEY } from '../../support/keyhearth.ts';
import { operated } from '../../support/keys.ts';
import { ADMIN, administered, failureOf, PASSWORD, proxyosClient, signedIn } from '../../support/proxyos.ts';

/** The accounts of the ProxyOS API, as its real client uses them. */

type Signed = Awaited<ReturnType<typeof signedIn>>;

const MEMBER = 'member@example.com';
const unauthorized = (message: string) => ({
  message,
  code: 'UNAUTHORIZED',
  status: 401,
  number: -32001,
});
const notAuthenticated = unauthorized('Not authenticated');
const adminRequired = { message: 'Admin role required', code: 'FORBIDDEN', status: 403, number: -32003 };

let service: Awaited<ReturnType<typeof operated>>;
let admin: Signed;
beforeEach(async () => {
  service = await operated();
  admin = await administered(service, FIRST_KEY);
});

const anybody = () => proxyosClient(service.origin).client;
const withKey = (key: string) => proxyosClient(service.origin, { key }).client;
const withCookie = (cookie: string | undefined) => {
  const made = proxyosClient(service.origin);
  made.jar.cookie = cookie;
  return made.client;
};

async function member(): Promise<Signed> {
  await admin.client.users.create.mutate({ email: MEMBER, password: PASSWORD, role: 'viewer' });
  return signedIn(service, MEMBER);
}

describe('a sign-in', () => {
  test('answers with the person, and sets the cookie', async () => {
    expect(admin.person).toEqual({
      requiresTotp: false,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      email: ADMIN,
      role: 'admin',
      displayName: null,
      avatarColor: null,
      avatarUrl: null,
    });
    expect(admin.jar.setCookie).toMatch(
      /^proxyos_token=khs_[0-9A-Za-z]{61}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });

  test.each([
    ['a wrong password', { email: ADMIN, password: 'wrong' }],
    ['an e-mail address without an account', { email: 'nobody@example.com', password: PASSWORD }],
    ['what is no e-mail address', { email: 'nobody', password: PASSWORD }],
    ['what no database can store', { email: 'nobody\0@example.com', password: PASSWORD }],
  ])('with %s', async (_, attempt) => {
    expect(await failureOf(anybody().users.login.mutate(attempt))).toEqual(
      unauthorized('Invalid email or password'),
    );
  });

  test('with a password that no account can have does not count: it would cost the client nothing', async () => {
    const attempt = { email: ADMIN, password: 'x'.repeat(2_049) };
    for (let i = 0; i < 6; i++)
      expect(await failureOf(anybody().users.login.mutate(attempt))).toMatchObject({ status: 400 });
  });

  test('is locked after five failures, also with the right password', async () => {
    const wrong = { email: ADMIN, password: 'wrong' };
    for (let i = 0; i < 5; i++) await failureOf(anybody().users.login.mutate(wrong));
    service.pass(14 * 60);
    expect(await failureOf(anybody().users.login.mutate({ email: ADMIN, password: PASSWORD }))).toEqual({
      message: 'Too many failed attempts. Try again in 1 minute(s).',
      code: 'TOO_MANY_REQUESTS',
      status: 429,
      number: -32029,
    });
    const body = { email: ADMIN, password: PASSWORD };
    const raw = await service.send({ method: 'POST', path: '/api/trpc/users.login', body });
    expect(raw.headers['retry-after']).toBe('60');
    service.pass(60);
    await signedIn(service, ADMIN);
  });

  test('from a page of another site is refused', async () => {
    for (const headers of [{ Origin: 'https://evil.example' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
      const body = { email: ADMIN, password: PASSWORD };
      const answer = await service.send({ method: 'POST', path: '/api/trpc/users.login', headers, body });
      expect(answer.status).toBe(403);
      expect(answer.json.error.json).toMatchObject({ code: -32003, data: { code: 'FORBIDDEN' } });
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
  });
});

describe('a session', () => {
  test('ends at logout, also for a copy of the cookie', async () => {
    const { cookie } = admin.jar;
    expect(await admin.client.users.logout.mutate()).toEqual({ ok: true });
    expect(admin.jar.setCookie).toMatch(/^proxyos_token=; Max-Age=0; Path=\//);
    expect(await failureOf(withCookie(cookie).apiKeys.list.query())).toEqual(notAuthenticated);
  });

  test('ends by time', async () => {
    service.pass(30 * 86_400);
    expect(await failureOf(admin.client.apiKeys.list.query())).toEqual(notAuthenticated);
  });

  test('is not used beside a key', async () => {
    const { raw_key: key } = await service.made({ scopes: ['proxyos:health:read'] });
    const headers = { Authorization: `Bearer ${key}`, Cookie: admin.jar.cookie ?? '' };
    expect((await service.send({ path: '/api/trpc/apiKeys.list', headers })).status).toBe(401);
    expect((await service.send({ path: '/api/trpc/publicApi.health', headers })).status).toBe(200);
  });

  test('of the core API, or of another cookie, does not count here', async () => {
    const cookie = (admin.jar.cookie ?? '').replace('proxyos_token', 'keyhearth_session');
    expect(await failureOf(withCookie(cookie).apiKeys.list.query())).toEqual(notAuthenticated);
  });

  test.each([
    [{ Origin: 'https://evil.example' }, 403],
    [{ Origin: 'null' }, 403],
    [{ 'Sec-Fetch-Site': 'cross-site' }, 403],
    [{ 'Sec-Fetch-Site': 'same-site' }, 403],
    [{ 'Sec-Fetch-Site': 'same-origin' }, 200],
    [{}, 200],
  ])('with %j changes something: %i', async (extra, status) => {
    const headers = { ...extra, Cookie: admin.jar.cookie ?? '' } as Record<string, string>;
    const body = { name: 'ci', scopes: ['read'] };
    const answer = await service.send({ method: 'POST', path: '/api/trpc/apiKeys.create', headers, body });
    expect(answer.status).toBe(status);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    const keys = await admin.client.apiKeys.list.query();
    expect(keys).toHaveLength(status === 200 ? 1 : 0);
  });

  test('a key from a page of another site is no cookie, so it works', async () => {
    const headers = { Origin: 'https://evil.example', Authorization: `Bearer ${FIRST_KEY}` };
    const body = { name: 'ci', scopes: ['read'] };
    const answer = await service.send({ method: 'POST', path: '/api/trpc/apiKeys.create', headers, body });
    expect(answer.status).toBe(200);
  });
});

describe('accounts', () => {
  test('are made, listed, changed and deleted', async () => {
    const now = new Date(service.clock.now());
    const { id } = await admin.client.users.create.mutate({
      email: 'Member@Example.com',
      password: PASSWORD,
      role: 'viewer',
    });
    service.pass(1);
    const { person } = await signedIn(service, MEMBER);
    expect(person).toMatchObject({ id, role: 'viewer' });
    expect(await admin.client.users.list.query()).toEqual(
      expect.arrayContaining([
        {
          id,
          email: MEMBER,
          role: 'viewer',
          ssoProvider: null,
          createdAt: now,
          lastLogin: new Date(service.clock.now()),
        },
      ]),
    );
    expect(await admin.client.users.updateRole.mutate({ id, role: 'admin' })).toEqual({ ok: true });
    expect((await admin.client.users.getProfile.query({ id })).role).toBe('admin');
    expect(await admin.client.users.delete.mutate({ id })).toEqual({ ok: true });
    expect(await failureOf(admin.client.users.getProfile.query({ id }))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await admin.client.users.list.query()).toHaveLength(1);
  });

  test('a deleted account loses its sessions and its keys', async () => {
    const { id, client } = await member();
    await admin.client.users.updateRole.mutate({ id, role: 'admin' });
    const { key } = await client.apiKeys.create.mutate({ name: 'mine', scopes: ['health:read'] });
    await admin.client.users.delete.mutate({ id });
    expect(await failureOf(client.users.getProfile.query({ id }))).toEqual(notAuthenticated);
    expect(await failureOf(withKey(key).publicApi.health.query())).toMatchObject({ status: 401 });
  });

  test.each<[string, object, string, string]>([
    ['a short password', { password: 'short' }, 'BAD_REQUEST', 'password must have at least 12 characters.'],
    ['no e-mail address', { email: 'member' }, 'BAD_REQUEST', 'email must be an e-mail address.'],
    ['a role of another product', { role: 'operator' }, 'BAD_REQUEST', 'role must be admin or viewer.'],
    ['a taken address', { email: ADMIN }, 'CONFLICT', 'Another account has this e-mail address.'],
  ])('are not made with %s', async (_, settings, code, message) => {
    const wanted = { email: MEMBER, password: PASSWORD, role: 'viewer' as const, ...settings };
    expect(await failureOf(admin.client.users.create.mutate(wanted))).toMatchObject({ code, message });
  });

  test.each(['nobody', 'nobody\0'])('the id %j is of nobody', async (id) => {
    const { client } = admin;
    for (const call of [client.users.getProfile.query({ id }), client.users.delete.mutate({ id })])
      expect(await failureOf(call)).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('the last admin stays', async () => {
    const { id, client } = admin;
    const conflict = { code: 'CONFLICT', status: 409, number: -32009 };
    expect(await failureOf(client.users.updateRole.mutate({ id, role: 'viewer' }))).toMatchObject(conflict);
    expect(await failureOf(client.users.delete.mutate({ id }))).toMatchObject(conflict);
  });

  test('a demoted admin can do nothing more, at once', async () => {
    const other = await member();
    await admin.client.users.updateRole.mutate({ id: other.id, role: 'admin' });
    await other.client.apiKeys.list.query();
    await admin.client.users.updateRole.mutate({ id: other.id, role: 'viewer' });
    expect(await failureOf(other.client.apiKeys.list.query())).toEqual(adminRequired);
  });

  test('changes need a sign-in of the last 15 minutes', async () => {
    const { id } = await member();
    service.pass(15 * 60);
    const calls = [
      admin.client.users.updateRole.mutate({ id, role: 'admin' }),
      admin.client.users.delete.mutate({ id }),
      admin.client.users.create.mutate({ email: 'x@example.com', password: PASSWORD, role: 'viewer' }),
      admin.client.users.setupTotp.mutate({ userId: admin.id }),
    ];
    for (const call of calls)
      expect(await failureOf(call)).toEqual({
        message: 'Sign in again: this change needs a sign-in of the last 15 minutes',
        code: 'FORBIDDEN',
        status: 403,
        number: -32003,
      });
    expect(await admin.client.users.list.query()).toHaveLength(2);
  });
});

describe('a profile', () => {
  test('shows the person', async () => {
    const { id, client } = await member();
    const now = new Date(service.clock.now());
    expect(await client.users.getProfile.query({ id })).toEqual({
      id,
      email: MEMBER,
      role: 'viewer',
      displayName: null,
      avatarColor: null,
      avatarUrl: null,
      totpEnabled: false,
      ssoProvider: null,
      createdAt: now,
      lastLogin: now,
    });
  });

  test('of somebody else is for admins', async () => {
    const { id, client } = await member();
    expect(await admin.client.users.getProfile.query({ id })).toMatchObject({ id });
    expect(await failureOf(client.users.getProfile.query({ id: admin.id }))).toEqual(adminRequired);
    expect(await failureOf(client.users.getProfile.query({ id: 'nobody' }))).toEqual(adminRequired);
    expect(await withKey(FIRST_KEY).users.getProfile.query({ id })).toMatchObject({ id });
    const { raw_key: key } = await service.made({ scopes: ['proxyos:admin'] });
    expect(await failureOf(withKey(key).users.getProfile.query({ id }))).toEqual(adminRequired);
  });
});

describe('a second factor', () => {
  async function enabled({ client, id }: Signed): Promise<string> {
    const { secret } = await client.users.setupTotp.mutate({ userId: id });
    const code = codeAt(secret, service.clock.now());
    await client.users.verifyAndEnableTotp.mutate({ userId: id, secret, code });
    service.pass(30);
    return secret;
  }

  test('is set up, needed at the sign-in, and disabled', async () => {
    const { client, id } = admin;
    const { secret, uri, qrSvg } = await client.users.setupTotp.mutate({ userId: id });
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(uri).toMatch(new RegExp(`^otpauth://totp/.*secret=${secret}`));
    expect(qrSvg).toMatch(/^<svg /);
    const wrong = wrongCodeAt(secret, service.clock.now());
    expect(
      await failureOf(client.users.verifyAndEnableTotp.mutate({ userId: id, secret, code: wrong })),
    ).toMatchObject({ code: 'BAD_REQUEST', status: 400, number: -32600 });
    const code = codeAt(secret, service.clock.now());
    expect(await client.users.verifyAndEnableTotp.mutate({ userId: id, secret, code })).toEqual({ ok: true });
    expect((await client.users.getProfile.query({ id })).totpEnabled).toBe(true);

    service.pass(30);
    const login = { email: ADMIN, password: PASSWORD };
    const asked = proxyosClient(service.origin);
    const nobody = {
      id: null,
      email: null,
      role: null,
      displayName: null,
      avatarColor: null,
      avatarUrl: null,
    };
    expect(await asked.client.users.login.mutate(login)).toEqual({ requiresTotp: true, ...nobody });
    expect(asked.jar).toMatchObject({ setCookie: undefined, answers: [200] });
    expect(await failureOf(asked.client.users.login.mutate({ ...login, totpCode: wrong }))).toEqual(
      unauthorized('Invalid authenticator code'),
    );
    const totpCode = codeAt(secret, service.clock.now());
    expect(await asked.client.users.login.mutate({ ...login, totpCode })).toMatchObject({ id });
    expect(await failureOf(anybody().users.login.mutate({ ...login, totpCode }))).toEqual(
      unauthorized('Invalid authenticator code'),
    );

    service.pass(30);
    const now = codeAt(secret, service.clock.now());
    const disable = (password: string, given: string) =>
      asked.client.users.disableTotp.mutate({ userId: id, password, code: given });
    expect(await failureOf(disable('wrong', now))).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(await failureOf(disable(PASSWORD, wrong))).toEqual(unauthorized('Invalid authenticator code'));
    expect(await disable(PASSWORD, now)).toEqual({ ok: true });
    expect(await anybody().users.login.mutate(login)).toMatchObject({ requiresTotp: false, id });
  });

  test('of somebody else cannot be touched, not by an admin either', async () => {
    const { id: userId } = await member();
    const { client } = admin;
    const secret = 'A'.repeat(32);
    for (const call of [
      client.users.setupTotp.mutate({ userId }),
      client.users.verifyAndEnableTotp.mutate({ userId, secret, code: '123456' }),
      client.users.disableTotp.mutate({ userId, password: PASSWORD, code: '123456' }),
    ])
      expect(await failureOf(call)).toMatchObject({ code: 'NOT_FOUND', message: 'Account not found.' });
  });

  test('the secret of the client must be the one that was made', async () => {
    const { client, id: userId } = admin;
    await client.users.setupTotp.mutate({ userId });
    const secret = 'A'.repeat(32);
    const code = codeAt(secret, service.clock.now());
    expect(await failureOf(client.users.verifyAndEnableTotp.mutate({ userId, secret, code }))).toMatchObject({
      code: 'BAD_REQUEST',
    });
  });

  test('a recovery code signs in once', async () => {
    await enabled(admin);
    const { json } = await service.send({
      path: '/auth/self/two-factor/recovery-codes',
      headers: { Cookie: (admin.jar.cookie ?? '').replace('proxyos_token', 'keyhearth_session') },
    });
    const [totpCode] = json.recovery_codes;
    const login = { email: ADMIN, password: PASSWORD, totpCode };
    expect(await anybody().users.login.mutate(login)).toMatchObject({ id: admin.id });
    expect(await failureOf(anybody().users.login.mutate(login))).toMatchObject({ code: 'UNAUTHORIZED' });
  });
});

test('where a second factor is required, nothing else works before', async () => {
  service = await operated({ env: { KEYHEARTH_REQUIRE_2FA: 'all' } });
  const { client, id } = await administered(service, FIRST_KEY);
  const required = {
    code: 'FORBIDDEN',
    message: 'Two-factor authentication is required here. Set it up first.',
  };
  for (const call of [
    client.apiKeys.list.query(),
    client.users.list.query(),
    client.users.getProfile.query({ id: crypto.randomUUID() }),
    client.publicApi.health.query(),
  ])
    expect(await failureOf(call)).toMatchObject(required);
  expect(await client.users.getProfile.query({ id })).toMatchObject({ totpEnabled: false });
  const { secret } = await client.users.setupTotp.mutate({ userId: id });
  const code = codeAt(secret, service.clock.now());
  await client.users.verifyAndEnableTotp.mutate({ userId: id, secret, code });
  expect(await client.apiKeys.list.query()).toEqual([]);
});
