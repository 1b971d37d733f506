import { expect, test } from 'vitest';
import document from '../../openapi/openapi.json' with { type: 'json' };
import { sqlIn } from '../support/keyhearth.ts';
import { ADMIN, peopled } from '../support/people.ts';

/** Nothing of one account can be read or changed by another one. */

const person = (name: string) => ({ email: `${name}@example.com`, password: ADMIN.password });

async function twoMembers() {
  const it = await peopled();
  const ids = { one: await it.add('one@example.com'), other: await it.add('other@example.com') };
  for (const id of Object.values(ids))
    await it.admin('PATCH', `/auth/accounts/${id}`, { scopes: ['audit:read', 'usage:read', 'keys:*'] });
  const one = await it.signIn(person('one'));
  const other = await it.signIn(person('other'));
  const keyOf = async (who: typeof one) =>
    (await who('POST', '/auth/keys', { scopes: ['audit:read', 'usage:read', 'keys:*'] })).json as {
      id: number;
      raw_key: string;
    };
  return { ...it, ids, one, other, keys: { one: await keyOf(one), other: await keyOf(other) } };
}

const withIds = Object.entries<Record<string, object>>(document.paths).flatMap(([path, methods]) =>
  path.startsWith('/auth/') && path.includes('{id}')
    ? Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path }))
    : [],
);

test('no route with an id reads or changes what belongs to another account', async () => {
  const { admin, one, other, ids, keys, send, dataDir } = await twoMembers();
  await admin('POST', '/auth/invitations', { email: 'new@example.com' });
  const { json: sessions } = await other('GET', '/auth/sessions');
  const target: Record<string, string | number> = {
    keys: keys.other.id,
    accounts: ids.other,
    sessions: sessions.sessions[0].id,
    invitations: 1,
  };
  const stored = () =>
    Promise.all([
      sqlIn(dataDir, 'select id, label, scopes, is_active, account_id, rotated_to from api_keys order by id'),
      sqlIn(dataDir, 'select id, role, scopes, name from accounts order by id'),
      sqlIn(dataDir, 'select id, account_id from sessions order by id'),
      sqlIn(dataDir, 'select * from invitations'),
    ]);
  const before = await stored();
  const key = keys.one.raw_key;
  for (const { method, path } of withIds) {
    const kind = path.split('/')[2] ?? '';
    const url = `${path.replace('{id}', String(target[kind]))}${kind === 'accounts' ? '?keys=delete' : ''}`;
    const body = method === 'PATCH' ? { [kind === 'keys' ? 'label' : 'name']: 'changed' } : undefined;
    const answers = [
      await one(method, url, body),
      await send({ method, path: url, key, ...(body && { body }) }),
    ];
    for (const { status, text } of answers) expect([403, 404], `${method} ${url}: ${text}`).toContain(status);
  }
  expect(withIds.length).toBeGreaterThan(13);
  expect(await stored()).toEqual(before);
});

type Listed = { id: number; is_current: boolean };

test('the sessions of another person do not exist', async () => {
  const { one, other, admin } = await twoMembers();
  const { json: theirs } = await other('GET', '/auth/sessions');
  const { json: mine } = await one('GET', '/auth/sessions');
  expect(mine.sessions.map(({ is_current }: Listed) => is_current)).toEqual([true]);
  for (const { id } of theirs.sessions as Listed[])
    for (const stranger of [one, admin])
      expect(await stranger('DELETE', `/auth/sessions/${id}`)).toMatchObject({
        status: 404,
        json: { code: 'session_not_found' },
      });
  expect((await other('GET', '/auth/self')).status).toBe(200);
  expect((await one('DELETE', `/auth/sessions/${mine.sessions[0].id}`)).status).toBe(204);
  expect((await one('GET', '/auth/self')).status).toBe(401);
});

test('a member sees the events of their own account, its keys and its actions', async () => {
  const { one, other, ids, keys, send, admin } = await twoMembers();
  await other('PATCH', `/auth/keys/${keys.other.id}`, { label: 'theirs' });
  await one('PATCH', `/auth/keys/${keys.one.id}`, { label: 'mine' });
  await admin('PATCH', `/auth/keys/${keys.one.id}`, { owner: 'by the admin' });
  const key = keys.one.raw_key;
  await send({ method: 'POST', path: '/auth/keys', key, body: { label: 'made by my key' } });

  const { json: seen } = await one('GET', '/auth/audit');
  expect(seen.events.map((event: { action: string }) => event.action)).toEqual([
    ...['key.created', 'key.updated', 'key.updated', 'key.created'],
    ...['session.started', 'account.updated'],
  ]);
  for (const event of seen.events) expect(event.account_id).toBe(ids.one);
  expect(seen.events[1].actor).toMatchObject({ kind: 'account', label: ADMIN.email });
  expect((await send({ path: '/auth/audit', key })).json).toEqual(seen);

  const pages = [];
  for (let query = '?limit=2'; query !== ''; ) {
    const { json } = await one('GET', `/auth/audit${query}`);
    pages.push(...json.events);
    query = json.next_cursor ? `?limit=2&cursor=${json.next_cursor}` : '';
  }
  expect(pages).toEqual(seen.events);
  const lines = (await one('GET', '/auth/audit?format=ndjson')).text.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual(seen.events);

  for (const query of [`key_id=${keys.other.id}`, `actor=${keys.other.id}`, `actor=${ids.other}`])
    expect((await one('GET', `/auth/audit?${query}`)).json.events, query).toEqual([]);
  const { json: acted } = await admin('GET', `/auth/audit?actor=${ids.one}`);
  expect(acted.events).toHaveLength(4);
  expect((await one('GET', `/auth/audit?key_id=${keys.one.id}&action=key.updated`)).json.events).toHaveLength(
    2,
  );
  expect((await admin('GET', '/auth/audit?actor=nobody')).status).toBe(400);
});

test('the keys of another account do not exist, in lists neither', async () => {
  const { one, ids, keys, admin } = await twoMembers();
  const listed = async (who: typeof one, query: string) =>
    (await who('GET', `/auth/keys${query}`)).json.keys.map(({ id }: Listed) => id);
  expect(await listed(one, '')).toEqual([keys.one.id]);
  expect(await listed(one, `?account_id=${ids.one}`)).toEqual([keys.one.id]);
  expect(await listed(one, `?account_id=${ids.other}`)).toEqual([]);
  expect(await listed(admin, `?account_id=${ids.other}`)).toEqual([keys.other.id]);
  expect(await listed(admin, `?account_id=${ids.other.toUpperCase()}&label=nothing`)).toEqual([]);
  for (const path of [`/auth/keys/${keys.other.id}`, `/auth/keys/${keys.other.id}/usage`])
    expect((await one('GET', path)).status).toBe(404);
});

test('the usage of a member is the sum of their own keys', async () => {
  const { one, admin, keys, send } = await twoMembers();
  for (const key of [keys.one.raw_key, keys.other.raw_key, keys.other.raw_key])
    await send({ path: '/auth/verify', key });
  const valid = async (who: typeof one) =>
    (await who('GET', '/auth/usage')).json.buckets.reduce(
      (sum: number, bucket: { valid: number }) => sum + bucket.valid,
      0,
    );
  await expect.poll(() => valid(admin)).toBe(3);
  expect(await valid(one)).toBe(1);
});
