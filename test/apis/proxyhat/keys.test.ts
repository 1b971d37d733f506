import { describe, expect, test } from 'vitest';
import { sqlIn } from '../../support/keyhearth.ts';
import { ADMIN, proxyhat } from '../../support/proxyhat.ts';

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const NOT_FOUND = { message: 'Not found.' };

describe('the keys of an account', () => {
  test('are made, and get another secret, 300 times in an hour', async () => {
    const { member, made } = await proxyhat();
    const call = await member('dev@example.com');
    const { id } = await made(call);
    const path = `profile/api-keys/${id}/regenerate`;
    for (let i = 1; i < 300; i++) expect((await call('POST', path)).status).toBe(200);
    expect((await call('POST', path)).status).toBe(429);
    expect((await call('POST', 'profile/api-keys')).status).toBe(429);
    expect((await call('DELETE', `profile/api-keys/${id}`)).status).toBe(204);
  });

  test('are made, listed and deleted, to the exact body', async () => {
    const { member, made, as, send, rawKey } = await proxyhat();
    const call = await member('dev@example.com');
    expect((await call('GET', 'profile/api-keys')).text).toBe('[]');

    const first = await call('POST', 'profile/api-keys');
    expect(first.status).toBe(201);
    expect(first.json).toEqual({
      id: expect.stringMatching(/^\d+$/),
      name: 'My API Key',
      plain_text_token: expect.stringMatching(/^kh_[0-9A-Za-z]{61}$/),
      created_at: expect.stringMatching(RFC_3339),
    });
    expect(first.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
    });
    const second = await made(call, { name: 'ci' });

    const listed = await call('GET', 'profile/api-keys');
    expect(listed.status).toBe(200);
    expect(listed.json).toEqual(
      [second, first.json].map(({ id, name, created_at }) => ({
        ...{ id, name, created_at },
        last_used_at: null,
        abilities: ['*'],
      })),
    );

    const { json: key } = await send({ path: `/auth/keys/${second.id}`, key: rawKey });
    expect(key).toMatchObject({ label: 'ci', scopes: [], expires_at: null });

    const deleted = await call('DELETE', `profile/api-keys/${second.id}`);
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    expect((await as(second.plain_text_token)('GET', 'auth/user')).status).toBe(401);
    const again = await call('DELETE', `profile/api-keys/${second.id}`);
    expect([again.status, again.json]).toEqual([404, NOT_FOUND]);
  });

  test.each([
    ['no name', {}],
    ['null', { name: null }],
    ['an empty name', { name: '' }],
    ['a name of spaces', { name: '  ' }],
  ])('have a default name for %s', async (_, body) => {
    const { signIn, made } = await proxyhat();
    expect(await made(await signIn(ADMIN), body)).toMatchObject({ name: 'My API Key' });
  });

  test('ignore fields of the original that mean nothing here, and never hold a scope', async () => {
    const { signIn, made, send, rawKey } = await proxyhat();
    const { id } = await made(await signIn(ADMIN), { name: 'x', abilities: ['*'], scopes: ['*'] });
    expect((await send({ path: `/auth/keys/${id}`, key: rawKey })).json.scopes).toEqual([]);
  });

  test('show their last use as RFC 3339', async () => {
    const { signIn, made, as, dataDir } = await proxyhat();
    const { id, plain_text_token } = await made(await signIn(ADMIN));
    await sqlIn(dataDir, `update api_keys set last_used_at = 1712345678123 where id = ${id}`);
    const { json } = await as(plain_text_token)('GET', 'profile/api-keys');
    expect(json).toMatchObject([{ id, last_used_at: '2024-04-05T19:34:38.123Z' }]);
  });

  test('are all in the list, however many there are', async () => {
    const { signIn, made, dataDir } = await proxyhat();
    const call = await signIn(ADMIN);
    const { id } = await made(call, { name: 'one of many' });
    await sqlIn(
      dataDir,
      `insert into api_keys (label, owner, label_folded, owner_folded, hint, prefix, scopes, hash, is_active,
         is_expired, source, allowed_ips, rate_limits, metadata, created_at, use_count, account_id, account_standing)
       with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 1205)
       select label, owner, label_folded, owner_folded, hint, prefix, scopes, hash, 1, 0, source, allowed_ips,
         rate_limits, metadata, created_at, 0, account_id, account_standing
       from api_keys, numbers where id = ${id}`,
    );
    const { json } = await call('GET', 'profile/api-keys');
    expect(json).toHaveLength(1206);
    expect(new Set(json.map((key: { id: string }) => key.id)).size).toBe(1206);
  });
});

describe('two users', () => {
  test('see and change no key of each other, by access token or by key, at any route', async () => {
    const { member, made, as, codeOf, send } = await proxyhat();
    const { paths } = (await send('/openapi.json')).json;
    const withId = Object.entries<object>(paths)
      .filter(([path]) => path.startsWith('/v1/') && path.includes('{id}'))
      .flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => ({
          method: method.toUpperCase(),
          path: path.slice('/v1/'.length),
        })),
      );
    expect(withId).toHaveLength(2);
    const one = await member('one@example.com');
    const other = await member('other@example.com');
    const { id, plain_text_token: theirs } = await made(other, { name: 'theirs' });
    const { plain_text_token: mine } = await made(one, { name: 'mine' });

    for (const call of [one, as(mine)]) {
      expect((await call('GET', 'profile/api-keys')).json).toMatchObject([{ name: 'mine' }]);
      for (const { method, path } of withId) {
        const answer = await call(method, path.replace('{id}', id));
        expect([answer.status, answer.json]).toEqual([404, NOT_FOUND]);
      }
    }
    expect(await codeOf(theirs)).toBe('VALID');
  });

  test('an admin reaches the own keys alone here', async () => {
    const { member, made, signIn } = await proxyhat();
    const { id } = await made(await member('one@example.com'));
    const admin = await signIn(ADMIN);
    expect((await admin('GET', 'profile/api-keys')).json).toEqual([]);
    expect((await admin('DELETE', `profile/api-keys/${id}`)).status).toBe(404);
    expect((await admin('DELETE', 'profile/api-keys/1')).status).toBe(404);
  });

  test.each(['0', '-1', '1.5', 'abc', '1e3', '99999999999999999999', '01', '%00'])(
    'the id %s is one that does not exist',
    async (id) => {
      const { signIn } = await proxyhat();
      const call = await signIn(ADMIN);
      for (const [method, path] of [
        ['DELETE', `profile/api-keys/${id}`],
        ['POST', `profile/api-keys/${id}/regenerate`],
      ] as const) {
        const answer = await call(method, path);
        expect([answer.status, answer.json]).toEqual([404, NOT_FOUND]);
      }
    },
  );
});

describe('a key acts for its user', () => {
  test('and makes, lists, regenerates and deletes keys without a scope', async () => {
    const { member, made, as } = await proxyhat();
    const call = as((await made(await member('dev@example.com'))).plain_text_token);
    const { id } = await made(call, { name: 'by a key' });
    expect((await call('GET', 'profile/api-keys')).json).toHaveLength(2);
    expect((await call('POST', `profile/api-keys/${id}/regenerate`)).status).toBe(200);
    expect((await call('DELETE', `profile/api-keys/${id}`)).status).toBe(204);
  });

  test('and cannot do so at the core API', async () => {
    const { member, made, send } = await proxyhat();
    const { plain_text_token: key } = await made(await member('dev@example.com'));
    for (const [method, path] of [
      ['GET', '/auth/keys'],
      ['POST', '/auth/keys'],
    ] as const)
      expect((await send({ method, path, key })).json).toMatchObject({ code: 'insufficient_scope' });
  });

  test('and can neither delete nor regenerate a key that holds more', async () => {
    const { member, made, as, send, rawKey, codeOf } = await proxyhat();
    const call = await member('dev@example.com', { scopes: 'invoices:read' });
    const { id, plain_text_token: rich } = await made(call);
    await send({
      method: 'PATCH',
      path: `/auth/keys/${id}`,
      key: rawKey,
      body: { scopes: ['invoices:read'] },
    });
    const poor = as((await made(call)).plain_text_token);
    expect((await poor('DELETE', `profile/api-keys/${id}`)).status).toBe(403);
    expect((await poor('POST', `profile/api-keys/${id}/regenerate`)).status).toBe(403);
    expect(await codeOf(rich)).toBe('VALID');
    // The person holds the scope.
    expect((await call('POST', `profile/api-keys/${id}/regenerate`)).status).toBe(200);
  });

  test('and cannot regenerate a key that lives longer', async () => {
    const { member, made, as, send, rawKey, codeOf } = await proxyhat();
    const call = await member('dev@example.com');
    const [short, long] = [await made(call), await made(call)];
    await send({ method: 'PATCH', path: `/auth/keys/${short.id}`, key: rawKey, body: { expires_in: '1h' } });
    const answer = await as(short.plain_text_token)('POST', `profile/api-keys/${long.id}/regenerate`);
    expect([answer.status, answer.json]).toEqual([403, { message: expect.stringContaining('longer') }]);
    expect(await codeOf(long.plain_text_token)).toBe('VALID');
  });

  test('and what it makes lives no longer than itself', async () => {
    const { member, made, as, send, rawKey } = await proxyhat();
    const { id, plain_text_token } = await made(await member('dev@example.com'));
    const body = { expires_in: '1h', rate_limits: [{ name: 'burst', limit: 5, window: '1s' }] };
    await send({ method: 'PATCH', path: `/auth/keys/${id}`, key: rawKey, body });
    const { id: child } = await made(as(plain_text_token));
    const [maker, key] = await Promise.all(
      [id, child].map(async (each) => (await send({ path: `/auth/keys/${each}`, key: rawKey })).json),
    );
    expect(key).toMatchObject({ expires_at: maker.expires_at, rate_limits: maker.rate_limits });
  });
});

describe('regenerate', () => {
  test('keeps the id and changes the secret, and the old one is refused everywhere from then on', async () => {
    const { member, made, as, codeOf, send, rawKey } = await proxyhat();
    const call = await member('dev@example.com');
    const { id, name, created_at, plain_text_token: old } = await made(call, { name: 'ci' });
    // It is cached before.
    expect(await codeOf(old)).toBe('VALID');
    expect((await send({ path: '/auth/verify', key: old })).status).toBe(200);

    const answer = await call('POST', `profile/api-keys/${id}/regenerate`);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      ...{ id, name, created_at },
      plain_text_token: expect.stringMatching(/^kh_[0-9A-Za-z]{61}$/),
    });
    const fresh: string = answer.json.plain_text_token;
    expect(fresh).not.toBe(old);

    expect(await codeOf(old)).toBe('NOT_FOUND');
    expect((await send({ path: '/auth/verify', key: old })).status).toBe(401);
    expect((await as(old)('GET', 'auth/user')).json).toEqual({ message: 'Unauthenticated.' });
    expect(await codeOf(fresh)).toBe('VALID');
    expect((await as(fresh)('GET', 'auth/user')).status).toBe(200);

    const { json } = await send({ path: `/auth/audit?key_id=${id}`, key: rawKey });
    expect(json.events[0]).toMatchObject({
      action: 'key.regenerated',
      changes: { hint: { from: old.slice(0, 12), to: fresh.slice(0, 12) } },
    });
    expect(JSON.stringify(json)).not.toContain(fresh);
  });

  test('works for the key of the request itself', async () => {
    const { member, made, as } = await proxyhat();
    const { id, plain_text_token: old } = await made(await member('dev@example.com'));
    const { status, json } = await as(old)('POST', `profile/api-keys/${id}/regenerate`);
    expect(status).toBe(200);
    expect((await as(old)('GET', 'auth/user')).status).toBe(401);
    expect((await as(json.plain_text_token)('GET', 'auth/user')).status).toBe(200);
  });

  test('is refused for a key that is inactive, expired or rotated', async () => {
    const { member, made, call, pass } = await withCore();
    const person = await member('dev@example.com');
    const [inactive, expired, rotated] = [await made(person), await made(person), await made(person)];
    await call('POST', `/auth/keys/${inactive.id}/deactivate`);
    await call('PATCH', `/auth/keys/${expired.id}`, { expires_in: '1s' });
    await call('POST', `/auth/keys/${rotated.id}/rotate`, { grace: '1h' });
    pass(1);
    for (const { id } of [inactive, expired, rotated])
      expect((await person('POST', `profile/api-keys/${id}/regenerate`)).status).toBe(409);
    // None of them is in the list but the successor and the key in its grace.
    expect((await person('GET', 'profile/api-keys')).json).toHaveLength(2);
  });

  test('of two at once, one secret stays valid', async () => {
    const { member, made, codeOf } = await proxyhat();
    const person = await member('dev@example.com');
    const { id } = await made(person);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => person('POST', `profile/api-keys/${id}/regenerate`)),
    );
    const codes = await Promise.all(answers.map(({ json }) => codeOf(json.plain_text_token)));
    expect(codes.toSorted()).toEqual([...Array(4).fill('NOT_FOUND'), 'VALID']);
  });
});

async function withCore() {
  const service = await proxyhat();
  const { send, rawKey } = service;
  return {
    ...service,
    call: (method: string, path: string, body?: object) =>
      send({ method, path, key: rawKey, ...(body && { body }) }),
  };
}
