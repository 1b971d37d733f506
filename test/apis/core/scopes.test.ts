import { describe, expect, test } from 'vitest';
import { operated } from '../../support/keys.ts';

const uncounted = { env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } };

test('a missing scope is a 403 that names it', async () => {
  const { made, create, verify } = await operated();
  const { raw_key } = await made({ scopes: ['keys:read'] });
  const answer = await create({}, raw_key);
  expect(answer).toMatchObject({ status: 403, json: { code: 'insufficient_scope' } });
  expect(answer.headers['www-authenticate']).toBe(
    'Bearer realm="keyhearth", error="insufficient_scope", scope="keys:write"',
  );
  const verified = await verify(raw_key, '?scope=a&scope=keys:read&scope=b:c');
  expect(verified).toMatchObject({ status: 403, json: { code: 'insufficient_scope' } });
  expect(verified.headers['www-authenticate']).toContain('scope="a b:c"');
});

test('a scope is checked before the rest of the request', async () => {
  const { made, create, patch } = await operated();
  const { raw_key } = await made({ scopes: [] });
  expect((await create({ label: 1 }, raw_key)).status).toBe(403);
  expect((await patch(99, { label: 'x' }, raw_key)).status).toBe(403);
});

test.each(['scopes=a', 'Scope=a', 'scope[]=a'])(
  'a misspelt %s is refused, because it would ask for nothing',
  async (query) => {
    const { made, verify } = await operated();
    const { raw_key } = await made({ scopes: ['b'] });
    const answer = await verify(raw_key, `?${query}`);
    expect(answer).toMatchObject({ status: 400, json: { errors: [{ message: 'must be named scope' }] } });
    expect((await verify(raw_key, '?anything=else')).status).toBe(200);
  },
);

test('a key that holds everything can lift its own limits, and makes keys without them', async () => {
  const { made, patch } = await operated();
  const limited = { rate_limits: [{ name: 'a', limit: 1, window: '1d' }] };
  const admin = await made(limited);
  const of = (key: { rate_limits: object[] }) => key.rate_limits;
  expect(of(await made({}, admin.raw_key))).toEqual([]);
  expect(of((await patch(admin.id, { rate_limits: [] }, admin.raw_key)).json)).toEqual([]);
  const narrow = await made({ scopes: ['keys:write'], ...limited });
  expect((await patch(narrow.id, { rate_limits: [] }, narrow.raw_key)).status).toBe(403);
});

test('POST with a slash too many does not say that the key of the service is valid', async () => {
  const { call } = await operated();
  expect((await call('POST', '/auth/verify/', { key: 'nonsense' })).status).toBe(404);
});

describe('wildcards', () => {
  test.each<[string[], string, boolean]>([
    [['*'], 'a:b', true],
    [['*'], '*', true],
    [['a:*'], 'a:b', true],
    [['a:*'], 'a:b:c', true],
    [['a:*'], 'a:*', true],
    [['a:*'], 'a', false],
    [['a:*'], 'ab:c', false],
    [['a:*'], '*', false],
    [['a:b'], 'a:*', false],
    [['a:*:c'], 'a:b:c', false],
    [['a:b'], 'a:b:c', false],
    [[], 'a', false],
  ])('%j and %s: %s', async (scopes, scope, isHeld) => {
    const { made, verify, codeOf } = await operated(uncounted);
    const { raw_key } = await made({ scopes });
    expect((await verify(raw_key, `?scope=${scope}`)).status).toBe(isHeld ? 200 : 403);
    expect(await codeOf(raw_key, { scope: [scope] })).toBe(isHeld ? 'VALID' : 'INSUFFICIENT_SCOPE');
  });
});

test('a key made without scopes holds those of its maker', async () => {
  const { made, create, patch, call } = await operated();
  expect((await made()).scopes).toEqual(['*']);
  const maker = await made({ scopes: ['keys:write', 'a:*', 'a:*'] });
  expect(maker.scopes).toEqual(['keys:write', 'a:*']);
  const child = await made({}, maker.raw_key);
  expect(child.scopes).toEqual(['keys:write', 'a:*']);
  expect((await made({ scopes: ['a:b', 'a:c:*'] }, maker.raw_key)).scopes).toEqual(['a:b', 'a:c:*']);
  for (const scopes of [['*'], ['keys:*'], ['keys:read'], ['b'], ['a']]) {
    expect((await create({ scopes }, maker.raw_key)).status, String(scopes)).toBe(403);
    expect((await patch(child.id, { scopes }, maker.raw_key)).status, String(scopes)).toBe(403);
    expect((await patch(maker.id, { scopes }, maker.raw_key)).status, String(scopes)).toBe(403);
  }
  // A key that holds more is out of reach, in every way.
  const more = await made({ scopes: ['keys:read'] });
  for (const [method, path, body] of [
    ['PATCH', '', { label: 'mine' }],
    ['PATCH', '', { scopes: [] }],
    ['POST', '/rotate', {}],
    ['POST', '/deactivate', undefined],
    ['POST', '/activate', undefined],
    ['DELETE', '', undefined],
  ] as const) {
    const answer = await call(method, `/auth/keys/${more.id}${path}`, body, maker.raw_key);
    expect(answer, `${method} ${path}`).toMatchObject({ status: 403, json: { code: 'insufficient_scope' } });
  }
});

test('a key made by a key with rate limits has limits as strict', async () => {
  const { made, create, patch } = await operated();
  const rate_limits = [{ name: 'day', limit: 10, window: '1d' }];
  const maker = await made({ scopes: ['keys:write'], rate_limits });
  const child = await made({}, maker.raw_key);
  expect(child.rate_limits).toEqual(rate_limits);
  await made({ rate_limits: [{ name: 'day', limit: 5, window: '2d' }] }, maker.raw_key);
  for (const weaker of [
    [],
    [{ name: 'day', limit: 11, window: '1d' }],
    [{ name: 'x', limit: 1, window: '1d' }],
  ]) {
    expect((await create({ rate_limits: weaker }, maker.raw_key)).status).toBe(403);
    // Not through a key of its own making either.
    expect((await patch(maker.id, { rate_limits: weaker }, child.raw_key)).status).toBe(403);
    expect((await patch(maker.id, { rate_limits: weaker }, maker.raw_key)).status).toBe(403);
  }
});

test('the codes of a verification come in this order', async () => {
  const { made, call, pass, codeOf, verify, send } = await operated(uncounted);
  const wanted = { scope: ['b'] };
  const everything = { expires_in: 1, allowed_ips: ['198.51.100.7'], scopes: ['a'] };
  const { id, raw_key } = await made(everything);
  const other = await made({ allowed_ips: ['198.51.100.7'], scopes: ['a'] });
  await call('POST', `/auth/keys/${id}/deactivate`);
  pass(1);
  expect(await codeOf(`${raw_key}x`, wanted)).toBe('NOT_FOUND');
  expect(await codeOf(raw_key, wanted)).toBe('INACTIVE');
  await call('POST', `/auth/keys/${id}/activate`);
  expect(await codeOf(raw_key, wanted)).toBe('EXPIRED');
  expect(await codeOf(other.raw_key, wanted)).toBe('IP_NOT_ALLOWED');
  expect(await codeOf(other.raw_key, { ...wanted, ip: '198.51.100.7' })).toBe('INSUFFICIENT_SCOPE');
  expect(await codeOf(other.raw_key, { scope: ['a'], ip: '198.51.100.7' })).toBe('VALID');
  // To a client, a 403 would say that a key is good.
  for (const key of [raw_key, other.raw_key]) expect((await verify(key, '?scope=b')).status).toBe(401);
  expect((await send({ path: '/auth/self', key: other.raw_key })).status).toBe(401);
});

test('a key acts on itself whatever its scopes: it reads, rotates and deletes itself', async () => {
  const { made, call, get, verify } = await operated(uncounted);
  const own = await made({ scopes: [], label: 'own' });
  expect((await call('GET', '/auth/self', undefined, own.raw_key)).json).toEqual(await get(own.id));
  expect(await call('HEAD', '/auth/self', undefined, own.raw_key)).toMatchObject({ status: 200, text: '' });
  expect((await call('DELETE', '/auth/self', undefined, own.raw_key)).status).toBe(204);
  expect((await verify(own.raw_key)).status).toBe(401);
  expect((await call('GET', `/auth/keys/${own.id}`)).status).toBe(404);
  expect((await call('PATCH', '/auth/self', { label: 'x' })).status).toBe(405);
});
