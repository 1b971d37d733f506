import { describe, expect, test } from 'vitest';
import { FIRST_KEY, sqlIn } from '../../support/keyhearth.ts';
import { operated, storedKeys } from '../../support/keys.ts';

const uncounted = { env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } };
const WRONG = 'a-wrong-key-0123456789-0123456789-abc';

describe('an expiry', () => {
  test('holds to the millisecond, in the cache too, and needs no commit', async () => {
    const { made, verify, pass, codeOf, get, call } = await operated(uncounted);
    const { id, raw_key } = await made({ expires_in: '10s' });
    const fresh = await made({ expires_in: '10s' });
    for (let i = 0; i < 2; i++) expect((await verify(raw_key)).status).toBe(200);
    pass(9.999);
    expect((await verify(raw_key)).status).toBe(200);
    expect(await get(id)).toMatchObject({ status: 'active', is_active: true });
    pass(0.001);
    for (const key of [raw_key, fresh.raw_key]) {
      for (let i = 0; i < 2; i++) {
        expect((await verify(key)).json).toMatchObject({ status: 401, code: 'invalid_api_key' });
        expect(await codeOf(key)).toBe('EXPIRED');
      }
    }
    expect(await get(id)).toMatchObject({ status: 'expired', is_active: true });
    const { json } = await call('GET', '/auth/keys');
    expect(json.keys.map(({ status }: { status: string }) => status)).toEqual([
      'expired',
      'expired',
      'active',
    ]);
  });

  test('can be extended after it, and removed', async () => {
    const { made, verify, pass, patch } = await operated(uncounted);
    const { id, raw_key } = await made({ expires_in: 1 });
    pass(1);
    expect((await verify(raw_key)).status).toBe(401);
    expect((await patch(id, { label: 'kept' })).json.status).toBe('expired');
    expect((await patch(id, { expires_in: '1m' })).json.status).toBe('active');
    expect((await verify(raw_key)).status).toBe(200);
    pass(60);
    expect((await verify(raw_key)).status).toBe(401);
    await patch(id, { expires_at: null });
    pass(100 * 365 * 86_400);
    expect((await verify(raw_key)).status).toBe(200);
  });

  test('also ends what a key was about to change', async () => {
    const { made, create, pass, dataDir } = await operated(uncounted);
    const { raw_key } = await made({ expires_in: 1, scopes: ['*'] });
    const { expires_at } = await made({}, raw_key);
    expect(expires_at).not.toBeNull();
    const rows = await sqlIn(dataDir, 'select id from api_keys');
    pass(1);
    expect((await create({}, raw_key)).status).toBe(401);
    expect(await sqlIn(dataDir, 'select id from api_keys')).toEqual(rows);
  });
});

test('when the last usable key expires, all keys get the answer of a service without a key', async () => {
  const { made, verify, pass, send, dataDir } = await operated(uncounted);
  const { raw_key } = await made({ expires_in: '10s' });
  await sqlIn(dataDir, 'update api_keys set is_active = 0 where id = 1');
  for (const key of [WRONG, FIRST_KEY, WRONG]) expect((await verify(key)).json.code).toBe('invalid_api_key');
  expect((await send('/auth/verify')).json.code).toBe('api_key_required');
  expect((await verify(raw_key)).status).toBe(200);
  pass(10);
  for (const key of [WRONG, FIRST_KEY, raw_key]) {
    expect((await verify(key)).json).toMatchObject({ status: 401, code: 'no_api_key_configured' });
  }
  expect((await send('/auth/verify')).json.code).toBe('no_api_key_configured');
});

test.each<[string, (id: number) => [string, string, object?]]>([
  ['an expiry', (id) => ['PATCH', `/auth/keys/${id}`, { expires_in: '90d' }]],
  ['fewer scopes', (id) => ['PATCH', `/auth/keys/${id}`, { scopes: ['keys:*'] }]],
  ['addresses', (id) => ['PATCH', `/auth/keys/${id}`, { allowed_ips: ['0.0.0.0/0'], force: true }]],
  ['deactivation', (id) => ['POST', `/auth/keys/${id}/deactivate`]],
  ['deletion', (id) => ['DELETE', `/auth/keys/${id}`]],
  ['its own deletion', () => ['DELETE', '/auth/self']],
])('the last managing key cannot be lost by %s', async (_, requestFor) => {
  const { made, call, dataDir, pass } = await operated(uncounted);
  // None of these can take its place.
  await made({ expires_in: '1h' });
  await made({ allowed_ips: ['127.0.0.1'] });
  await made({ scopes: ['keys:*', 'invoices:read'] });
  const inactive = await made();
  await call('POST', `/auth/keys/${inactive.id}/deactivate`);
  pass(1);
  const before = await storedKeys(dataDir);
  const [method, path, body] = requestFor(1);
  const answer = await call(method, path, body);
  expect(answer).toMatchObject({ status: 409, json: { code: 'last_active_api_key_required' } });
  expect(await storedKeys(dataDir)).toEqual(before);
  await call('POST', `/auth/keys/${inactive.id}/activate`);
  expect((await call(method, path, body)).status).toBeLessThan(300);
});
