import { beforeEach, describe, expect, test } from 'vitest';
import { isGenerated } from '../../../src/keys/key-format.ts';
import { FIRST_KEY } from '../../support/keyhearth.ts';
import { operated } from '../../support/keys.ts';
import { administered, failureOf, proxyosClient } from '../../support/proxyos.ts';

/** The keys of the ProxyOS API, as its real client manages them. */

let service: Awaited<ReturnType<typeof operated>>;
let admin: Awaited<ReturnType<typeof administered>>['client'];
beforeEach(async () => {
  service = await operated();
  admin = (await administered(service, FIRST_KEY)).client;
});

const withKey = (key: string) => proxyosClient(service.origin, { key }).client;

/** A key of the core API. */
const coreKey = async (scopes: string[]): Promise<string> => (await service.made({ scopes })).raw_key;

const adminRequired = { message: 'Admin role required', code: 'FORBIDDEN', status: 403, number: -32003 };
const missing = (scope: string) => ({
  message: `API token missing scope: ${scope}`,
  code: 'UNAUTHORIZED',
  status: 401,
  number: -32001,
});

describe('an admin', () => {
  test('makes a key, sees it, and revokes it', async () => {
    const { id, key } = await admin.apiKeys.create.mutate({
      name: 'ci',
      scopes: ['health:read', 'routes:read'],
      expiresInDays: 30,
    });
    expect(key).toMatch(/^pxos_[0-9A-Za-z]{32}$/);
    expect(isGenerated(key, 'pxos')).toBe(true);
    const now = service.clock.now();
    expect(await admin.apiKeys.list.query()).toEqual([
      {
        id,
        name: 'ci',
        prefix: key.slice(0, 12),
        scopes: ['health:read', 'routes:read'],
        lastUsed: null,
        expiresAt: new Date(now + 30 * 86_400_000),
        createdAt: new Date(now),
      },
    ]);
    expect(await withKey(key).publicApi.health.query()).toEqual({ status: 'ok' });
    expect(await admin.apiKeys.revoke.mutate({ id })).toEqual({ ok: true });
    expect(await failureOf(withKey(key).publicApi.health.query())).toEqual({
      message: 'Invalid or expired API key',
      code: 'UNAUTHORIZED',
      status: 401,
      number: -32001,
    });
    expect(await admin.apiKeys.list.query()).toEqual([]);
    expect(await service.get(Number(id))).toMatchObject({ is_active: false });
  });

  test('revokes what is unknown, revoked, or no key of this API, without an effect', async () => {
    const { id } = await admin.apiKeys.create.mutate({ name: 'ci', scopes: ['read'] });
    for (const each of [id, id, '999', '', 'abc', '-1', '1e3', '9'.repeat(40)])
      expect(await admin.apiKeys.revoke.mutate({ id: each })).toEqual({ ok: true });
    expect(await admin.apiKeys.revoke.mutate({ id: '1' })).toEqual({ ok: true });
    expect(await service.get(1)).toMatchObject({ is_active: true });
    expect(await failureOf(admin.apiKeys.revoke.mutate({} as { id: string }))).toMatchObject({
      code: 'BAD_REQUEST',
      message: 'id must be the id of a key, for example "2".',
    });
  });
});

describe('a key', () => {
  test('is listed among the others, the newest first, also over several pages', async () => {
    const names = Array.from({ length: 7 }, (_, i) => `key ${i}`);
    for (const name of names) await admin.apiKeys.create.mutate({ name, scopes: ['read'] });
    await coreKey(['proxyos:read']);
    expect((await admin.apiKeys.list.query()).map(({ name }) => name)).toEqual(names.toReversed());
  });

  test('that is expired or inactive is not listed', async () => {
    await admin.apiKeys.create.mutate({ name: 'day', scopes: ['read'], expiresInDays: 1 });
    const { id } = await admin.apiKeys.create.mutate({ name: 'inactive', scopes: ['read'] });
    await service.call('POST', `/auth/keys/${id}/deactivate`);
    await admin.apiKeys.create.mutate({ name: 'lasting', scopes: ['read'], expiresInDays: undefined });
    service.pass(86_400);
    expect((await admin.apiKeys.list.query()).map(({ name }) => name)).toEqual(['lasting']);
  });

  test('shows when it was used', async () => {
    const { key } = await admin.apiKeys.create.mutate({ name: 'ci', scopes: ['health:read'] });
    await withKey(key).publicApi.health.query();
    await expect.poll(async () => (await admin.apiKeys.list.query())[0]?.lastUsed).toBeInstanceOf(Date);
  });

  test.each<[string, object, string]>([
    ['an empty name', { name: '' }, 'name must not be empty.'],
    ['a long name', { name: 'a'.repeat(65) }, 'name must be at most 64 characters.'],
    ['no scope', { scopes: [] }, 'scopes must have at least one scope.'],
    ['a scope of another API', { scopes: ['keys:read'] }, 'scopes.0 must be one of read, routes,'],
    ['everything', { scopes: ['*'] }, 'scopes.0 must be one of read, routes,'],
    ['no days', { expiresInDays: 0 }, 'expiresInDays must be at least 1.'],
    ['too many days', { expiresInDays: 3651 }, 'expiresInDays must be at most 3650.'],
    ['an unknown field', { expires_in: '90d' }, 'expires_in is not a known field.'],
    ['half a day', { expiresInDays: 0.5 }, 'expiresInDays must be a whole number.'],
  ])('with %s is a BAD_REQUEST', async (_, settings, message) => {
    const failure = await failureOf(
      admin.apiKeys.create.mutate({ name: 'ci', scopes: ['read'], ...settings }),
    );
    expect(failure).toMatchObject({ code: 'BAD_REQUEST', status: 400, number: -32600 });
    expect(failure.message).toContain(message);
  });
});

describe('a key with the scope admin', () => {
  const adminKey = async (days?: number) => {
    const settings = { name: 'admin', scopes: ['admin' as const], expiresInDays: days };
    return withKey((await admin.apiKeys.create.mutate(settings)).key);
  };

  test('makes, sees and revokes keys of this API alone', async () => {
    const client = await adminKey();
    const { id, key } = await client.apiKeys.create.mutate({ name: 'ci', scopes: ['certs:write', 'admin'] });
    expect(key).toMatch(/^pxos_/);
    expect((await client.apiKeys.list.query()).map(({ name }) => name)).toEqual(['ci', 'admin']);
    await client.apiKeys.revoke.mutate({ id });
    await client.apiKeys.revoke.mutate({ id: '1' });
    expect(await service.get(1)).toMatchObject({ is_active: true });
    expect((await client.apiKeys.list.query()).map(({ name }) => name)).toEqual(['admin']);
  });

  test('gives no more time than it has', async () => {
    const client = await adminKey(10);
    expect(
      await failureOf(client.apiKeys.create.mutate({ name: 'ci', scopes: ['read'], expiresInDays: 11 })),
    ).toMatchObject({ code: 'FORBIDDEN', status: 403 });
    await client.apiKeys.create.mutate({ name: 'ci', scopes: ['read'] });
    const [made, maker] = await client.apiKeys.list.query();
    expect(made?.expiresAt).toEqual(maker?.expiresAt);
  });

  test('does not revoke a key that holds more', async () => {
    const client = await adminKey();
    const { id } = await admin.apiKeys.create.mutate({ name: 'more', scopes: ['read'] });
    await service.patch(Number(id), { scopes: ['proxyos:read', 'invoices:read'] });
    expect(await failureOf(client.apiKeys.revoke.mutate({ id }))).toMatchObject({ code: 'FORBIDDEN' });
    expect((await client.apiKeys.list.query())[0]).toMatchObject({ name: 'more', scopes: ['read'] });
  });

  test('has no power elsewhere', async () => {
    const { key } = await admin.apiKeys.create.mutate({ name: 'admin', scopes: ['admin'] });
    for (const path of ['/auth/keys', '/auth/keys/1', '/auth/audit'])
      expect((await service.call('GET', path, undefined, key)).status).toBe(403);
    expect(await service.create({}, key)).toMatchObject({ status: 403 });
    expect(await service.verify(key)).toMatchObject({ status: 200 });
  });
});

test('who may use apiKeys.*', async () => {
  const { id } = await admin.apiKeys.create.mutate({ name: 'target', scopes: ['read'] });
  const calls = (client: typeof admin) => [
    client.apiKeys.list.query(),
    client.apiKeys.create.mutate({ name: 'ci', scopes: ['read'] }),
    client.apiKeys.revoke.mutate({ id }),
  ];
  const withoutAdmin = [
    [],
    ['proxyos:read'],
    ['proxyos:routes', 'proxyos:health:read'],
    ['keys:*'],
    ['keys:read', 'keys:write'],
    ['admin'],
    ['invoices:*'],
  ];
  for (const scopes of withoutAdmin) {
    const client = withKey(await coreKey(scopes));
    for (const call of calls(client)) expect(await failureOf(call)).toEqual(missing('admin'));
  }
  for (const scopes of [['*'], ['proxyos:admin'], ['proxyos:*']]) {
    const client = withKey(await coreKey(scopes));
    for (const call of calls(client)) await call;
  }
});

test('scopes are stored with the name of the API in front', async () => {
  const { id } = await admin.apiKeys.create.mutate({ name: 'ci', scopes: ['read', 'health:read', 'read'] });
  expect(await service.get(Number(id))).toMatchObject({
    label: 'ci',
    prefix: 'pxos',
    scopes: ['proxyos:read', 'proxyos:health:read'],
  });
});

test('a rotated key of this API is one again', async () => {
  const { id } = await admin.apiKeys.create.mutate({ name: 'ci', scopes: ['read'] });
  const { json } = await service.rotate(Number(id));
  expect(isGenerated(json.raw_key, 'pxos')).toBe(true);
});

test('a key that is revoked between the request and the change makes no key', async () => {
  const { id, key } = await admin.apiKeys.create.mutate({ name: 'admin', scopes: ['admin'] });
  const creating = withKey(key).apiKeys.create.mutate({ name: 'late', scopes: ['read'] });
  const revoking = service.call('POST', `/auth/keys/${id}/deactivate`);
  const [created] = await Promise.allSettled([creating, revoking]);
  const names = (await admin.apiKeys.list.query()).map(({ name }) => name);
  expect(names.includes('late')).toBe(created.status === 'fulfilled');
});

describe('scopes of public procedures', () => {
  const calls = {
    'health:read': (client: typeof admin) => client.publicApi.health.query(),
    'routes:read': (client: typeof admin) => client.routes.list.query(),
  };

  test.each(Object.entries(calls))('%s', async (scope, call) => {
    expect(await call(admin)).toBeDefined();
    for (const held of [[`proxyos:${scope}`], ['proxyos:admin'], ['proxyos:*'], ['*']])
      expect(await call(withKey(await coreKey(held)))).toBeDefined();
    for (const held of [[], ['proxyos:read'], [scope], ['health:*'], ['keys:*']])
      expect(await failureOf(call(withKey(await coreKey(held))))).toEqual(missing(scope));
  });

  test('there is no gateway, so there are no routes', async () => {
    expect(await admin.routes.list.query()).toEqual([]);
  });
});

test('a key may not use what is for admins', async () => {
  const client = withKey(await coreKey(['proxyos:admin']));
  expect(await failureOf(client.users.logout.mutate())).toMatchObject({ code: 'FORBIDDEN', status: 403 });
  expect(adminRequired.status).toBe(403);
});
