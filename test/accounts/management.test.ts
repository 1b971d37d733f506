import { describe, expect, test } from 'vitest';
import { sqlIn } from '../support/keyhearth.ts';
import { ADMIN, peopled, setUpTwoFactor, signIn } from '../support/people.ts';

/** What an admin does to accounts, and what becomes of their keys. */

const MEMBER = { email: 'member@example.com', password: ADMIN.password };
const QUARTER = 900;

/** An admin, and a member with scopes. */
async function staffed(scopes: string[] = ['invoices:*', 'users:read']) {
  const it = await peopled();
  const id = await it.add(MEMBER.email);
  expect(await it.admin('PATCH', `/auth/accounts/${id}`, { scopes })).toMatchObject({ status: 200 });
  const member = await it.signIn(MEMBER);
  const path = `/auth/accounts/${id}`;
  return {
    ...it,
    id,
    path,
    member,
    /** Makes a key of the member. */
    async key(wanted: string[]) {
      const { status, json } = await member('POST', '/auth/keys', { scopes: wanted });
      expect(status).toBe(201);
      return json as { id: number; raw_key: string };
    },
    keyById: async (key: number) => (await it.call('GET', `/auth/keys/${key}`)).json,
    events: async (query = '') => (await it.admin('GET', `/auth/audit?limit=1000${query}`)).json.events,
  };
}

describe('an admin', () => {
  test('lists, reads and changes accounts', async () => {
    const { admin, adminId, id, path } = await staffed();
    const { json: all } = await admin('GET', '/auth/accounts');
    expect(all.accounts.map((account: { id: string }) => account.id).sort()).toEqual([adminId, id].sort());
    const renamed = await admin('PATCH', path, { name: 'New name' });
    expect(renamed).toMatchObject({
      status: 200,
      json: { name: 'New name', scopes: ['invoices:*', 'users:read'] },
    });
    expect((await admin('GET', path)).json).toEqual(renamed.json);
    expect((await admin('GET', path.toUpperCase().replace('/AUTH/ACCOUNTS', '/auth/accounts'))).json.id).toBe(
      id,
    );
    expect(await admin('GET', `/auth/accounts/${crypto.randomUUID()}`)).toMatchObject({
      status: 404,
      json: { code: 'account_not_found' },
    });
    expect((await admin('GET', '/auth/accounts/1')).status).toBe(400);
  });

  test('is the same for a key that can manage everything', async () => {
    const { call, path } = await staffed();
    expect((await call('PATCH', path, { role: 'admin' })).json).toMatchObject({
      role: 'admin',
      scopes: ['*'],
    });
    expect((await call('DELETE', `${path}?keys=delete`)).status).toBe(204);
  });

  test.each([
    ['name', { role: 'owner' }],
    ['the scope * of a member', { scopes: ['*'] }],
    ['scopes of an admin', { role: 'admin', scopes: ['invoices:read'] }],
    ['an unknown field', { is_approved: true }],
  ])('cannot give %s', async (_, body) => {
    const { admin, path } = await staffed();
    expect((await admin('PATCH', path, body)).status).toBe(400);
  });

  test('needs the password, or a sign-in of the last 15 minutes', async () => {
    const { admin, path, pass } = await staffed();
    pass(QUARTER);
    const old = { status: 403, json: { code: 'recent_sign_in_required' } };
    expect(await admin('PATCH', path, { role: 'admin' })).toMatchObject(old);
    expect(await admin('PATCH', path, { scopes: [] })).toMatchObject(old);
    expect(await admin('POST', `${path}/approve`)).toMatchObject(old);
    expect(await admin('DELETE', `${path}?keys=delete`)).toMatchObject(old);
    expect(await admin('DELETE', `${path}/two-factor`)).toMatchObject(old);
    expect(await admin('POST', '/auth/invitations', { email: 'new@example.com' })).toMatchObject(old);
    expect(await admin('PATCH', path, { name: 'needs none' })).toMatchObject({ status: 200 });
    const wrong = await admin('PATCH', path, { role: 'admin', password: 'not the right password' });
    expect(wrong).toMatchObject({ status: 401, json: { code: 'invalid_sign_in' } });
    const { password } = ADMIN;
    expect((await admin('POST', '/auth/invitations', { email: 'new@example.com', password })).status).toBe(
      201,
    );
    expect((await admin('DELETE', `${path}?keys=delete`, { password })).status).toBe(204);
  });
});

describe('a member', () => {
  test('manages no account, and grants nothing', async () => {
    const { member, path, id, key } = await staffed(['keys:write', 'invoices:read']);
    const refused = { status: 403, json: { code: 'insufficient_scope' } };
    for (const [method, target, body] of [
      ['GET', '/auth/accounts'],
      ['GET', path],
      ['PATCH', path, { role: 'admin' }],
      ['POST', `${path}/approve`],
      ['DELETE', `${path}?keys=delete`],
      ['DELETE', `${path}/two-factor`],
      ['GET', '/auth/invitations'],
      ['POST', '/auth/invitations', { email: 'new@example.com', role: 'admin' }],
      ['DELETE', '/auth/invitations/1'],
    ] as const)
      expect(await member(method, target, body), `${method} ${target}`).toMatchObject(refused);
    expect((await member('GET', '/auth/self')).json.id).toBe(id);
    expect((await member('POST', '/auth/keys', { scopes: ['invoices:write'] })).status).toBe(403);
    expect((await member('POST', '/auth/keys', { scopes: ['*'] })).status).toBe(403);
    const made = await key(['keys:write', 'invoices:read']);
    expect(made).toMatchObject({ account_id: id });
  });

  test('no admin gives a key of a member more than the member holds', async () => {
    const { call, key, keyById } = await staffed();
    const made = await key(['users:read']);
    const widened = await call('PATCH', `/auth/keys/${made.id}`, { scopes: ['users:read', 'users:write'] });
    expect(widened).toMatchObject({ status: 400, json: { errors: [{ path: 'scopes' }] } });
    expect((await call('PATCH', `/auth/keys/${made.id}`, { scopes: ['invoices:read'] })).status).toBe(200);
    expect((await keyById(made.id)).scopes).toEqual(['invoices:read']);
  });
});

describe('the keys of an account', () => {
  test('are narrowed to what it still holds, in the same moment', async () => {
    const { admin, call, path, key, keyById, events } = await staffed();
    const [all, part, other] = [
      await key(['invoices:*', 'users:read']),
      await key(['invoices:*']),
      await key([]),
    ];
    expect((await admin('PATCH', path, { scopes: ['invoices:read', 'reports'] })).status).toBe(200);
    expect((await keyById(all.id)).scopes).toEqual(['invoices:read']);
    expect((await keyById(part.id)).scopes).toEqual(['invoices:read']);
    expect((await keyById(other.id)).scopes).toEqual([]);
    const asked = await call('POST', '/auth/verify', { key: all.raw_key, scope: ['users:read'] });
    expect(asked.json).toMatchObject({ valid: false, code: 'INSUFFICIENT_SCOPE' });
    const [third, second, first] = await events();
    expect([first, second, third]).toMatchObject([
      { action: 'account.updated', changes: { scopes: { to: ['invoices:read', 'reports'] } } },
      { action: 'key.updated', key_id: all.id, changes: { scopes: { to: ['invoices:read'] } } },
      { action: 'key.updated', key_id: part.id, changes: { scopes: { from: ['invoices:*'] } } },
    ]);
    expect(Object.keys(second.changes)).toEqual(['scopes']);
  });

  test('lose * when an admin becomes a member, whose session goes on with less', async () => {
    const { admin, member, path, keyById } = await staffed();
    await admin('PATCH', path, { role: 'admin' });
    const { json: made } = await member('POST', '/auth/keys', { scopes: ['*'] });
    expect(made.scopes).toEqual(['*']);
    expect((await member('GET', '/auth/accounts')).status).toBe(200);
    expect((await admin('PATCH', path, { role: 'member' })).json).toMatchObject({
      role: 'member',
      scopes: [],
    });
    expect((await keyById(made.id)).scopes).toEqual([]);
    expect((await member('GET', '/auth/accounts')).status).toBe(403);
    const { json: mine } = await member('GET', '/auth/keys');
    expect(mine.keys.map((each: { id: number }) => each.id)).toEqual([made.id]);
  });

  test('cannot lose the last key that manages everything', async () => {
    const { admin, path, member } = await staffed();
    await admin('PATCH', path, { role: 'admin' });
    const { json: made } = await member('POST', '/auth/keys', { scopes: ['*'] });
    expect((await member('DELETE', '/auth/keys/1')).status).toBe(204);
    const refused = { status: 409, json: { code: 'last_active_api_key_required' } };
    expect(await admin('PATCH', path, { role: 'member' })).toMatchObject(refused);
    expect(await admin('DELETE', `${path}?keys=delete`)).toMatchObject(refused);
    const other = await admin('GET', '/auth/self');
    expect((await admin('GET', path)).json.role).toBe('admin');
    expect((await admin('DELETE', `${path}?keys_to=${other.json.id}`)).status).toBe(204);
    expect((await admin('GET', `/auth/keys/${made.id}`)).json).toMatchObject({
      account_id: other.json.id,
      scopes: ['*'],
    });
  });
});

describe('the last admin', () => {
  test('is neither demoted nor deleted', async () => {
    const { admin, adminId, path } = await staffed();
    const own = `/auth/accounts/${adminId}`;
    const refused = { status: 409, json: { code: 'last_admin_required' } };
    expect(await admin('PATCH', own, { role: 'member' })).toMatchObject(refused);
    expect(await admin('DELETE', `${own}?keys=delete`)).toMatchObject(refused);
    await admin('PATCH', path, { role: 'admin' });
    expect((await admin('PATCH', own, { role: 'member' })).status).toBe(200);
    expect((await admin('GET', '/auth/accounts')).status).toBe(403);
  });

  test('is left when two admins demote each other at once', async () => {
    const { admin, adminId, member, path } = await staffed();
    await admin('PATCH', path, { role: 'admin' });
    const answers = await Promise.all([
      admin('PATCH', path, { role: 'member' }),
      member('PATCH', `/auth/accounts/${adminId}`, { role: 'member' }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
  });
});

describe('a deletion', () => {
  test('needs a choice about the keys', async () => {
    const { admin, path } = await staffed();
    for (const query of ['', '?keys=keep', `?keys=delete&keys_to=${crypto.randomUUID()}`, '?keys_to=1'])
      expect((await admin('DELETE', `${path}${query}`)).status, query).toBe(400);
    for (const to of [crypto.randomUUID(), path.split('/').at(-1)])
      expect(await admin('DELETE', `${path}?keys_to=${to}`)).toMatchObject({
        status: 400,
        json: { errors: [{ path: 'keys_to' }] },
      });
    expect((await admin('GET', path)).status).toBe(200);
  });

  test('ends the sessions, and deletes the keys', async () => {
    const { admin, member, path, id, key, dataDir, events, send } = await staffed();
    const made = await key(['users:read']);
    expect((await admin('DELETE', `${path}?keys=delete`)).status).toBe(204);
    expect(await member('GET', '/auth/self')).toMatchObject({
      status: 401,
      json: { code: 'invalid_session' },
    });
    expect((await send({ path: '/auth/verify', key: made.raw_key })).status).toBe(401);
    expect(await sqlIn(dataDir, `select id from sessions where account_id = '${id}'`)).toEqual([]);
    expect((await events()).slice(0, 2)).toMatchObject([
      { action: 'account.deleted', account_id: id, changes: { email: { from: MEMBER.email, to: null } } },
      { action: 'key.deleted', key_id: made.id, account_id: id, changes: { is_active: { to: null } } },
    ]);
    expect((await admin('DELETE', `${path}?keys=delete`)).status).toBe(404);
  });

  test('hands the keys over, with no more than the other account holds', async () => {
    const { admin, path, add, key, send, signIn: enter, events, id } = await staffed();
    const made = await key(['invoices:*', 'users:read']);
    const heir = await add('heir@example.com');
    await admin('PATCH', `/auth/accounts/${heir}`, { scopes: ['invoices:read'] });
    expect((await admin('DELETE', `${path}?keys_to=${heir}`)).status).toBe(204);
    const theirs = await enter({ ...MEMBER, email: 'heir@example.com' });
    expect((await theirs('GET', `/auth/keys/${made.id}`)).json).toMatchObject({
      account_id: heir,
      scopes: ['invoices:read'],
    });
    expect((await send({ path: '/auth/verify', key: made.raw_key })).status).toBe(200);
    const [handed] = await events('&action=key.updated');
    expect(handed).toMatchObject({ action: 'key.updated', changes: { account_id: { from: id, to: heir } } });
  });
});

describe('the second factor of another person', () => {
  test('is removed by an admin, and their sessions end', async () => {
    const { admin, adminId, member, path, clock, send, events } = await staffed();
    await setUpTwoFactor(member, clock);
    const own = await admin('DELETE', `/auth/accounts/${adminId}/two-factor`);
    expect(own).toMatchObject({ status: 400, json: { errors: [{ path: 'id' }] } });
    expect((await admin('DELETE', `${path}/two-factor`)).status).toBe(204);
    expect((await member('GET', '/auth/self')).status).toBe(401);
    expect((await (await signIn(send, MEMBER))('GET', '/auth/self')).json.two_factor).toBe(false);
    const again = await admin('DELETE', `${path}/two-factor`);
    expect(again).toMatchObject({ status: 409, json: { code: 'two_factor_not_enabled' } });
    expect((await events('&action=account.two_factor_disabled'))[0]).toMatchObject({
      actor: { kind: 'account', id: adminId, hint: null, label: ADMIN.email },
    });
  });
});
