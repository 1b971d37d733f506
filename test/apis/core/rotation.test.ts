import { describe, expect, test } from 'vitest';
import { FIRST_KEY, sqlIn } from '../../support/keyhearth.ts';
import { operated, storedKeys } from '../../support/keys.ts';

const DAY = 86_400;
const everything = {
  label: 'backup',
  owner: 'ops',
  scopes: ['invoices:read', 'keys:*'],
  allowed_ips: ['127.0.0.0/8', '2001:db8::/32'],
  rate_limits: [{ name: 'burst', limit: 20, window: '1s' }],
  metadata: { team: 'billing' },
  expires_in: '200d',
};

test('a successor has the settings of the key, another raw key, and the same expiry', async () => {
  const { made, rotate, get, pass } = await operated();
  const old = await made({ ...everything, prefix: 'acme' });
  pass(60);
  const answer = await rotate(old.id, { grace: '24h' });
  expect(answer).toMatchObject({ status: 201, headers: { location: `/auth/keys/${old.id + 1}` } });
  expect(answer.headers['cache-control']).toBe('no-store');
  const { id, hint, raw_key, created_at, rotated_from, rotated_to, ...same } = answer.json;
  expect(old).toMatchObject(same);
  expect(raw_key).toMatch(/^acme_[0-9A-Za-z]{61}$/);
  expect(raw_key).not.toBe(old.raw_key);
  expect(raw_key.startsWith(hint)).toBe(true);
  expect([id, rotated_from, rotated_to]).toEqual([old.id + 1, old.id, null]);
  expect(created_at).toBeCloseTo(old.created_at + 60, 3);
  const { raw_key: _, expires_at, ...before } = old;
  expect(await get(old.id)).toEqual({ ...before, expires_at: created_at + DAY, rotated_to: id });
});

test('a supplied key gets a successor with the usual prefix, which is the managing key from then on', async () => {
  const { rotate, call, verify } = await operated();
  const { json } = await rotate(1, { grace: '1h' });
  expect(json).toMatchObject({ rotated_from: 1, prefix: 'kh', source: 'created', scopes: ['*'] });
  expect((await call('DELETE', `/auth/keys/${json.id}`)).json.code).toBe('last_active_api_key_required');
  expect((await call('DELETE', '/auth/keys/1')).status).toBe(204);
  expect((await verify(json.raw_key)).status).toBe(200);
});

describe('the old key', () => {
  test.each<[string, object | undefined]>([
    ['no body', undefined],
    ['an empty object', {}],
    ['"0s"', { grace: '0s' }],
    ['0', { grace: 0 }],
  ])('ends with the answer when the grace is %s, even if the clock goes back', async (_, body) => {
    const { made, rotate, verify, codeOf, setBy, get } = await operated();
    const old = await made();
    expect((await verify(old.raw_key)).status).toBe(200);
    const { json } = await rotate(old.id, body);
    expect((await verify(old.raw_key)).status).toBe(401);
    expect((await verify(json.raw_key)).status).toBe(200);
    setBy(-3_600);
    expect((await verify(old.raw_key)).status).toBe(401);
    expect(await codeOf(old.raw_key)).toBe('EXPIRED');
    expect(await get(old.id)).toMatchObject({ status: 'expired', rotated_to: json.id });
  });

  test.each<[string, unknown, number]>([
    ['text', '45s', 45],
    ['a number of seconds', 90, 90],
    ['90 days', '90d', 90 * DAY],
  ])('works until its grace ends, to the millisecond: %s', async (_, grace, seconds) => {
    const { made, rotate, verify, pass } = await operated();
    const old = await made();
    const { json } = await rotate(old.id, { grace });
    pass(seconds - 0.001);
    expect((await verify(old.raw_key)).status).toBe(200);
    pass(0.001);
    expect((await verify(old.raw_key)).status).toBe(401);
    expect((await verify(json.raw_key)).status).toBe(200);
  });

  test('never works longer than it would have', async () => {
    const { made, rotate, get } = await operated();
    const old = await made({ expires_in: '1h' });
    const { json } = await rotate(old.id, { grace: '2h' });
    expect(json.expires_at).toBe(old.expires_at);
    expect((await get(old.id)).expires_at).toBe(old.expires_at);
  });
});

test.each<[unknown]>([['91d'], [90 * DAY + 1], [-1], ['1w'], [''], [null], [1.5], ['1H'], [{}]])(
  'the grace %j is a 400 that names it, and nothing changes',
  async (grace) => {
    const { made, rotate, dataDir } = await operated();
    const { id } = await made();
    const before = await storedKeys(dataDir);
    const answer = await rotate(id, { grace });
    expect(answer).toMatchObject({ status: 400, json: { errors: [{ path: 'grace' }] } });
    expect(await storedKeys(dataDir)).toEqual(before);
  },
);

describe('a key that cannot be rotated', () => {
  test('has a successor: 409 names it, also after its deletion', async () => {
    const { made, rotate, call } = await operated();
    const old = await made();
    const { json: successor } = await rotate(old.id, { grace: '1h' });
    for (const again of [
      await rotate(old.id, { grace: '1h' }),
      await call('POST', '/auth/self/rotate', {}, old.raw_key),
    ]) {
      expect(again.status).toBe(409);
      expect(again.json.code).toBe('api_key_already_rotated');
      expect(again.json.detail).toContain(`key ${successor.id}.`);
    }
    const { json: third } = await rotate(successor.id, { grace: '1h' });
    expect(third.rotated_from).toBe(successor.id);
    expect((await call('DELETE', `/auth/keys/${successor.id}`)).status).toBe(204);
    expect((await rotate(old.id)).json.code).toBe('api_key_already_rotated');
    expect((await call('GET', `/auth/keys/${old.id}`)).json.rotated_to).toBe(successor.id);
  });

  test('has a successor: it gets no later expiry', async () => {
    const { made, rotate, patch } = await operated();
    const old = await made();
    await rotate(old.id, { grace: '1h' });
    for (const body of [{ expires_at: null }, { expires_in: '2h' }])
      expect((await patch(old.id, body)).json.code).toBe('api_key_already_rotated');
    expect((await patch(old.id, { expires_in: '1m' })).status).toBe(200);
  });

  test('holds more than the actor: 403 says nothing about its state', async () => {
    const { made, rotate, call } = await operated();
    const strong = await made({ scopes: ['x:y'] });
    await rotate(strong.id, { grace: '1h' });
    const weak = await made({ scopes: ['keys:write'] });
    const answer = await call('POST', `/auth/keys/${strong.id}/rotate`, {}, weak.raw_key);
    expect(answer).toMatchObject({ status: 403, json: { code: 'insufficient_scope' } });
  });

  test('is inactive or expired', async () => {
    const { made, rotate, call, pass } = await operated();
    const inactive = await made();
    await call('POST', `/auth/keys/${inactive.id}/deactivate`);
    const expired = await made({ expires_in: 1 });
    pass(1);
    for (const { id } of [inactive, expired]) {
      const answer = await rotate(id);
      expect(answer).toMatchObject({ status: 409, json: { code: 'api_key_not_usable' } });
    }
    expect((await rotate(99)).status).toBe(404);
  });
});

test('a key without any scope rotates itself, and no other key', async () => {
  const { made, call, rotate, verify } = await operated();
  const own = await made({ scopes: [] });
  const other = await made({ scopes: [] });
  expect((await rotate(other.id, {}, own.raw_key)).json.code).toBe('insufficient_scope');
  const { status, json } = await call('POST', '/auth/self/rotate', { grace: '1m' }, own.raw_key);
  expect(status).toBe(201);
  expect(json).toMatchObject({ rotated_from: own.id, scopes: [], raw_key: expect.any(String) });
  expect((await verify(own.raw_key)).status).toBe(200);
  expect((await call('POST', '/auth/self/rotate', undefined, json.raw_key)).status).toBe(201);
  expect((await verify(json.raw_key)).status).toBe(401);
});

test('a chain of keys rotates itself 24 times in a day, and a manager can still rotate it', async () => {
  const { made, call, rotate, dataDir } = await operated();
  let last = await made({ scopes: [] });
  const other = await made({ scopes: [] });
  const rotateSelf = (key: string) => call('POST', '/auth/self/rotate', { grace: '90d' }, key);
  for (let i = 0; i < 24; i++) {
    const { status, json } = await rotateSelf(last.raw_key);
    expect(status).toBe(201);
    // A chain does not become shorter by deletions.
    await call('DELETE', '/auth/self', undefined, last.raw_key);
    last = json;
  }
  const before = await storedKeys(dataDir);
  const refused = await rotateSelf(last.raw_key);
  expect(refused).toMatchObject({ status: 429, json: { code: 'rate_limited' } });
  expect(refused.json.detail).toContain('self:rotate (24 in 1d)');
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(86_000);
  expect(await storedKeys(dataDir)).toEqual(before);
  expect((await rotateSelf(other.raw_key)).status).toBe(201);
  const { status, json } = await rotate(last.id);
  expect(status).toBe(201);
  expect((await rotateSelf(json.raw_key)).status).toBe(429);
});

test('nobody takes over a key that holds more, lasts longer, or is allowed from more addresses', async () => {
  const { made, rotate, call } = await operated();
  const target = await made({ scopes: ['keys:write'] });
  const limits = [{ name: 'burst', limit: 1, window: '1h' }];
  for (const [reason, narrow] of Object.entries({
    scopes: { scopes: ['keys:write'] },
    expires_at: { expires_in: '1d' },
    allowed_ips: { allowed_ips: ['127.0.0.1'] },
    rate_limits: { scopes: ['keys:write'], rate_limits: limits },
  })) {
    const { raw_key } = await made({ scopes: ['*'], ...narrow });
    const answer = await rotate(reason === 'scopes' ? 1 : target.id, {}, raw_key);
    expect(answer, reason).toMatchObject({ status: 403, json: { code: 'insufficient_scope' } });
  }
  expect((await call('GET', `/auth/keys/${target.id}`)).json.rotated_to).toBeNull();
});

test('rotations at the same time make one successor', async () => {
  const { made, rotate, call, dataDir } = await operated();
  const { id, raw_key } = await made({ scopes: ['keys:write'] });
  const grace = { grace: '1h' };
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      i % 2 === 0 ? rotate(id, grace) : call('POST', '/auth/self/rotate', grace, raw_key),
    ),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  // A busy database may send one away.
  const others = answers.map(({ status, json }) => (status === 201 ? undefined : json.code));
  expect(['api_key_already_rotated', 'database_busy', undefined]).toEqual(expect.arrayContaining(others));
  const successors = await sqlIn(dataDir, `select id from api_keys where rotated_from = ${id}`);
  expect(successors).toHaveLength(1);
  expect((await call('GET', `/auth/keys/${id}`, undefined, FIRST_KEY)).json.rotated_to).toBe(
    successors[0]?.id,
  );
});
