import { describe, expect, test } from 'vitest';
import type { Send } from '../../support/http.ts';
import {
  bootstrapped,
  FIRST_KEY,
  register,
  service,
  startService,
  temporaryDirectory,
} from '../../support/keyhearth.ts';

const WRONG = 'a-wrong-key-0123456789-0123456789-abc';

const create = async (send: Send, label: string) =>
  (await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: { label } })).json;
const ask = (send: Send, body: object) =>
  send({ method: 'POST', path: '/auth/verify', key: FIRST_KEY, body });

describe('GET /auth/verify, for proxies', () => {
  test.each<[string, Record<string, string>]>([
    ['X-Proxbox-API-Key', { 'X-Proxbox-API-Key': FIRST_KEY }],
    ['X-API-Key', { 'X-API-Key': FIRST_KEY }],
    ['a bearer token', { Authorization: `Bearer ${FIRST_KEY}` }],
  ])('a good key in %s: 200, and whose it is', async (_, headers) => {
    const { send } = await bootstrapped();
    const answer = await send({ path: '/auth/verify', headers });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ valid: true, key: { id: 1, label: 'first' } });
    expect(answer.headers).toMatchObject({ 'x-keyhearth-key-id': '1', 'x-keyhearth-label': 'first' });
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test.each([
    ['plain', 'plain'],
    ['two words', 'two words'],
    ['50% off', '50%25 off'],
    ['größe', 'gr%C3%B6%C3%9Fe'],
    ['🔥', '%F0%9F%94%A5'],
    [' edges ', '%20edges%20'],
  ])('the label %j travels as %j', async (label, value) => {
    const { send } = await bootstrapped();
    const { raw_key } = await create(send, label);
    const answer = await send({ path: '/auth/verify', key: raw_key });
    expect(answer.headers['x-keyhearth-label']).toBe(value);
    expect(decodeURIComponent(value)).toBe(label);
    expect(answer.json.key.label).toBe(label);
  });

  test('a good key is logged at debug, a refusal at info', async () => {
    const levels = async (level: string) => {
      const { send, log } = await bootstrapped({ env: { KEYHEARTH_LOG_LEVEL: level } });
      log.length = 0;
      await send({ path: '/auth/verify', key: FIRST_KEY });
      await send({ path: '/auth/verify', key: WRONG });
      return log.map(({ status }) => status);
    };
    expect(await levels('info')).toEqual([401]);
    expect(await levels('debug')).toEqual([200, 401]);
  });

  test('identity headers that a client sends are never echoed', async () => {
    const { send } = await bootstrapped();
    const headers = { 'X-Keyhearth-Key-Id': '99', 'X-Keyhearth-Label': 'admin' };
    for (const key of [undefined, WRONG]) {
      const answer = await send({ path: '/auth/verify', headers, ...(key && { key }) });
      expect(answer.status).toBe(401);
      expect(answer.headers).not.toHaveProperty('x-keyhearth-key-id');
      expect(answer.headers).not.toHaveProperty('x-keyhearth-label');
    }
    expect(
      (await send({ path: '/auth/verify', headers, key: FIRST_KEY })).headers['x-keyhearth-key-id'],
    ).toBe('1');
  });

  test('a refusal is that of any guarded route: 401, 400, and 429 once locked', async () => {
    const { send } = await bootstrapped();
    expect((await send('/auth/verify')).json.code).toBe('api_key_required');
    const conflicting = { 'X-API-Key': WRONG, 'X-Proxbox-API-Key': FIRST_KEY };
    expect((await send({ path: '/auth/verify', headers: conflicting })).status).toBe(400);
    for (let i = 0; i < 5; i++) expect((await send({ path: '/auth/verify', key: WRONG })).status).toBe(401);
    const locked = await send({ path: '/auth/verify', key: FIRST_KEY });
    expect(locked.status).toBe(429);
    expect(Number(locked.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('?deny=403 turns every refusal but 401 into 403, in the body too; code and Retry-After stay', async () => {
    const { send } = await bootstrapped();
    const path = '/auth/verify?deny=403';
    expect((await send({ path, key: FIRST_KEY })).status).toBe(200);
    const conflicting = { 'X-API-Key': WRONG, 'X-Proxbox-API-Key': FIRST_KEY };
    expect((await send({ path, headers: conflicting })).status).toBe(403);
    for (let i = 0; i < 5; i++) expect((await send({ path, key: WRONG })).status).toBe(401);
    const locked = await send({ path, key: FIRST_KEY });
    expect(locked.status).toBe(403);
    expect(locked.json).toMatchObject({ status: 403, title: 'Forbidden', code: 'too_many_failed_attempts' });
    expect(locked.headers['content-type']).toBe('application/problem+json');
    expect(Number(locked.headers['retry-after'])).toBeGreaterThan(0);
    expect((await send({ path: '/auth/keys?deny=403', key: FIRST_KEY })).status).toBe(429);
  });
});

describe('POST /auth/verify, for services', () => {
  test('says what a key is, always with 200', async () => {
    const { send } = await bootstrapped();
    const made = await create(send, 'asked about');
    const { raw_key, ...key } = made;
    const used = { ...key, last_used_at: null, use_count: 0 };
    expect((await ask(send, { key: raw_key })).json).toEqual({ valid: true, code: 'VALID', key: used });
    await send({ method: 'POST', path: `/auth/keys/${made.id}/deactivate`, key: FIRST_KEY });
    const inactive = { valid: false, code: 'INACTIVE', key: { ...used, is_active: false } };
    const answer = await ask(send, { key: raw_key });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ ...inactive, key: { id: made.id, is_active: false } });
    await send({ method: 'DELETE', path: `/auth/keys/${made.id}`, key: FIRST_KEY });
    for (const unknown of [raw_key, WRONG, '', 'short', 'not ASCII: é', 'a\0b']) {
      const answer = await ask(send, { key: unknown });
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({ valid: false, code: 'NOT_FOUND' });
    }
  });

  test('counts the use of a valid key, and of the asking service its own', async () => {
    const dataDir = temporaryDirectory();
    const first = await startService({ dataDir });
    await register(first.send);
    const { id, raw_key } = await create(first.send, 'counted');
    for (let i = 0; i < 3; i++) await ask(first.send, { keys: [raw_key, raw_key, WRONG] });
    await first.send({ path: '/auth/verify', key: raw_key });
    await first.close();
    const second = await service({ dataDir });
    const { json } = await second.send({ path: `/auth/keys/${id}`, key: FIRST_KEY });
    expect(json.use_count).toBe(7);
  });

  test('up to 100 keys at once, answered in their order', async () => {
    const { send } = await bootstrapped();
    const keys = Array.from({ length: 100 }, (_, i) => (i % 3 === 0 ? FIRST_KEY : `${WRONG}-${i}`));
    const { json } = await ask(send, { keys });
    expect(json.results.map((result: { valid: boolean }) => result.valid)).toEqual(
      keys.map((key) => key === FIRST_KEY),
    );
    const tooMany = await ask(send, { keys: [...keys, WRONG] });
    expect(tooMany.json).toMatchObject({ status: 400, detail: 'keys must have at most 100 entries.' });
    expect((await ask(send, { keys: [] })).status).toBe(400);
    expect((await ask(send, { keys, key: WRONG })).status).toBe(400);
    expect((await ask(send, {})).status).toBe(400);
  });

  test('wrong keys count against the end user that the body names, never against the asking service', async () => {
    const { send } = await bootstrapped();
    for (let i = 0; i < 5; i++) {
      expect((await ask(send, { key: WRONG, ip: '198.51.100.7' })).json.code).toBe('NOT_FOUND');
    }
    const locked = (await ask(send, { key: FIRST_KEY, ip: '198.51.100.7' })).json;
    expect(locked).toEqual({ valid: false, code: 'LOCKED', retry_after: expect.any(Number) });
    expect((await ask(send, { key: FIRST_KEY, ip: '198.51.100.8' })).json.code).toBe('VALID');
    for (let i = 0; i < 20; i++) expect((await ask(send, { key: WRONG })).json.code).toBe('NOT_FOUND');
    expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
    for (const ip of ['localhost', '', 'fe80::1%eth0,1.2.3.4'])
      expect((await ask(send, { key: WRONG, ip })).status).toBe(400);
  });

  test('of 100 wrong keys in one call for one end user, 5 are looked up', async () => {
    const { send } = await bootstrapped();
    const keys = Array.from({ length: 100 }, (_, i) => `${WRONG}-${i}`);
    const { json } = await ask(send, { keys, ip: '2001:db8::1' });
    const codes = json.results.map((result: { code: string }) => result.code);
    expect(codes.filter((code: string) => code === 'NOT_FOUND')).toHaveLength(5);
    expect(codes.filter((code: string) => code === 'LOCKED')).toHaveLength(95);
  });
});
