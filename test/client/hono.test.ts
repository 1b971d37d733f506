import { Hono } from 'hono';
import { beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { createRequireKey, type KeyhearthOptions } from '../../src/client/hono.ts';
import { FIRST_KEY, type Running, register, startService } from '../support/keyhearth.ts';

const NO_KEY = 'a-key-that-does-not-exist-0123456789';

let running: Running;
let serviceKey: string;
beforeAll(async () => {
  running = await startService();
  await register(running.send);
  serviceKey = (await made({ label: 'my-service', scopes: ['keys:verify'] })).raw_key;
  return () => running.close();
});

const keys = () => createClient({ url: running.origin, key: FIRST_KEY }).keys;

async function made(settings: object) {
  const created = await keys().create(settings);
  if (!created.ok) throw new Error(created.error.message);
  return created.data;
}

/** A service with one guarded path, whose clients say in a header where they are. */
function guarded(options: Partial<KeyhearthOptions> = {}, times?: Parameters<typeof createRequireKey>[1]) {
  const requireKey = createRequireKey(
    { url: running.origin, key: serviceKey, ip: (c) => c.req.header('X-Test-Address'), ...options },
    times,
  );
  const app = new Hono();
  app.get('/invoices', requireKey({ scope: 'invoices:read' }), (c) => c.json({ owner: c.var.apiKey.owner }));
  app.get('/cheap', requireKey({ cost: 0 }), () => new Response('cheap'));
  const get = (key?: string, headers: Record<string, string> = {}, path = '/invoices') =>
    app.request(path, { headers: { ...(key !== undefined && { 'X-API-Key': key }), ...headers } });
  return { get };
}

const shop = { owner: 'ada@example.com', scopes: ['invoices:read'] };

test('a valid key passes, in each header, and the handler reads it', async () => {
  const { raw_key } = await made(shop);
  const { get } = guarded();
  for (const headers of [
    { 'X-API-Key': raw_key },
    { 'X-Proxbox-API-Key': raw_key },
    { Authorization: `Bearer ${raw_key}` },
    { 'X-API-Key': raw_key, Authorization: `bearer ${raw_key}` },
  ]) {
    const answer = await get(undefined, headers as Record<string, string>);
    expect({ status: answer.status, body: await answer.json() }).toEqual({
      status: 200,
      body: { owner: 'ada@example.com' },
    });
  }
});

describe('a request is refused', () => {
  test('without a key', async () => {
    const answer = await guarded().get();
    expect(answer.status).toBe(401);
    expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer realm="keyhearth"');
    expect(answer.headers.get('Content-Type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({ title: 'Unauthorized', code: 'api_key_required' });
  });

  test('with two keys', async () => {
    expect((await guarded().get('one', { Authorization: 'Bearer two' })).status).toBe(400);
    const twice = new Headers([
      ['X-API-Key', 'one'],
      ['X-API-Key', 'two'],
    ]);
    expect((await guarded().get(undefined, Object.fromEntries(twice))).status).toBe(400);
  });

  test('with an unknown, a deactivated and a misplaced key in the same way', async () => {
    const { id, raw_key: inactive } = await made(shop);
    await keys().deactivate(id);
    const { raw_key: elsewhere } = await made({ ...shop, allowed_ips: ['203.0.113.0/24'] });
    for (const key of [NO_KEY, inactive, elsewhere, 'x'.repeat(5_000)]) {
      const answer = await guarded().get(key, { 'X-Test-Address': '198.51.100.20' });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('WWW-Authenticate')).toContain('error="invalid_token"');
      expect(await answer.json()).toMatchObject({ detail: 'Invalid API key.', code: 'invalid_api_key' });
    }
  });

  test('with a key that lacks the scope', async () => {
    const { raw_key } = await made({ scopes: ['invoices:write'] });
    const answer = await guarded().get(raw_key);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('WWW-Authenticate')).toContain('scope="invoices:read"');
  });

  test('with a key that has reached its rate limit', async () => {
    const limits = [{ name: 'daily', limit: 1, window: '1d' }];
    const { raw_key } = await made({ ...shop, rate_limits: limits });
    const { get } = guarded({ cache: { maxAgeMs: 60_000 } });
    const first = await get(raw_key);
    expect([first.status, first.headers.get('RateLimit-Policy')]).toEqual([200, '"daily";q=1;w=86400']);
    const second = await get(raw_key);
    expect(second.status).toBe(429);
    expect(second.headers.get('RateLimit')).toMatch(/^"daily";r=0;t=\d+$/);
    expect(Number(second.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect((await get(raw_key, {}, '/cheap')).headers.get('RateLimit')).toMatch(/^"daily";r=0/);
  });

  test('from an address that has guessed, and the address alone', async () => {
    const { raw_key } = await made(shop);
    const { get } = guarded();
    const from = (address: string) => ({ 'X-Test-Address': address });
    for (let i = 0; i < 5; i++) await get(`${NO_KEY}${i}`, from('198.51.100.66'));
    const locked = await get(raw_key, from('198.51.100.66'));
    expect([locked.status, locked.headers.get('Retry-After')]).toEqual([429, '300']);
    expect((await get(raw_key, from('198.51.100.67'))).status).toBe(200);
    // A zone is part of a socket address, and not of an address.
    expect((await get(raw_key, from('fe80::1%eth0'))).status).toBe(200);
    // Sockets that take both versions write IPv4 like this.
    expect((await get(raw_key, from('::ffff:198.51.100.66'))).status).toBe(429);
  });
});

describe('nobody passes when Keyhearth gives no result', () => {
  const problem = (status: number, code: string, retryAfter?: string) =>
    Response.json(
      { type: 'about:blank', title: '', status, detail: 'No.', code },
      { status, headers: retryAfter === undefined ? {} : { 'Retry-After': retryAfter } },
    );

  test.each([
    ['it is overloaded', () => problem(503, 'overloaded', '7'), '7', 'problem'],
    ['it refuses the key of the service', () => problem(401, 'invalid_api_key'), '5', 'problem'],
    ['it has locked the service out', () => problem(429, 'too_many_failed_attempts', '9'), '9', 'problem'],
    ['something else answers', () => new Response('<h1>valid</h1>'), '5', 'unexpected_answer'],
    ['it cannot be reached', () => Promise.reject(new TypeError('fetch failed')), '5', 'unreachable'],
  ])('because %s', async (_, answer, retryAfter, kind) => {
    const kinds: string[] = [];
    const onError: KeyhearthOptions['onError'] = (error) => kinds.push(error.kind);
    const { get } = guarded({ fetch: async () => answer(), onError, retries: 0 });
    const refused = await get(NO_KEY);
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, retryAfter]);
    expect(await refused.json()).toMatchObject({ code: 'verification_unavailable' });
    expect(kinds).toEqual([kind]);
  });

  test('because it takes too long', async () => {
    const silent = ((_url: unknown, init?: RequestInit) =>
      new Promise((_resolve, reject) =>
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)),
      )) as typeof fetch;
    expect((await guarded({ fetch: silent, timeoutMs: 5 }).get(NO_KEY)).status).toBe(503);
  });

  test('because the result is one that it does not know', async () => {
    const fetch = async () => Response.json({ valid: 'yes', code: 'MAYBE' });
    expect((await guarded({ fetch }).get(NO_KEY)).status).toBe(401);
  });
});

describe('the cache', () => {
  /** Counts what reaches Keyhearth. */
  function counted(times?: Parameters<typeof createRequireKey>[1], maxEntries?: number) {
    let asked = 0;
    const counting: typeof fetch = (...request) => {
      asked++;
      return fetch(...request);
    };
    const { get } = guarded({ fetch: counting, cache: { maxAgeMs: 10_000, maxEntries } }, times);
    return { get, asked: () => asked };
  }

  test('lets a revoked key pass for no longer than it says', async () => {
    let ms = 0;
    const { get, asked } = counted({ now: () => ms, date: () => ms });
    const { id, raw_key } = await made(shop);
    expect((await get(raw_key)).status).toBe(200);
    await keys().delete(id);
    ms = 9_999;
    expect([(await get(raw_key)).status, asked()]).toEqual([200, 1]);
    ms = 10_000;
    expect([(await get(raw_key)).status, asked()]).toEqual([401, 2]);
  });

  test('counts the age of an answer from the moment of the question', async () => {
    let ms = 0;
    let asked = 0;
    const slow: typeof fetch = async (...request) => {
      asked++;
      const answer = await fetch(...request);
      ms += 1_500;
      return answer;
    };
    const times = { now: () => ms, date: () => ms };
    const { get } = guarded({ fetch: slow, cache: { maxAgeMs: 10_000 } }, times);
    const { raw_key } = await made(shop);
    await get(raw_key);
    ms = 9_999;
    expect([(await get(raw_key)).status, asked]).toEqual([200, 1]);
    ms = 10_000;
    expect([(await get(raw_key)).status, asked]).toEqual([200, 2]);
  });

  test('lets no key pass after its expiry', async () => {
    let ms = 0;
    const begin = Date.now();
    const { get, asked } = counted({ now: () => ms, date: () => begin + ms });
    const { raw_key } = await made({ ...shop, expires_at: (begin + 5_000) / 1_000 });
    await get(raw_key);
    ms = 4_999;
    expect([(await get(raw_key)).status, asked()]).toEqual([200, 1]);
    ms = 5_000;
    await get(raw_key);
    expect(asked()).toBe(2);
  });

  test('knows a key with other scopes, or from another address, as another question', async () => {
    const { get, asked } = counted();
    const { raw_key } = await made({ ...shop, allowed_ips: ['203.0.113.7'] });
    expect((await get(raw_key, { 'X-Test-Address': '203.0.113.7' })).status).toBe(200);
    expect((await get(raw_key, { 'X-Test-Address': '203.0.113.8' })).status).toBe(401);
    await get(raw_key, { 'X-Test-Address': '203.0.113.7' }, '/cheap');
    expect(asked()).toBe(3);
  });

  test('remembers no refusal, and no more keys than it says', async () => {
    const { get, asked } = counted(undefined, 1);
    await get(NO_KEY);
    await get(NO_KEY);
    expect(asked()).toBe(2);
    const [one, two] = [await made(shop), await made(shop)];
    for (const key of [one, two, two, one]) expect((await get(key.raw_key)).status).toBe(200);
    expect(asked()).toBe(5);
  });

  test.each([{ maxAgeMs: 0 }, { maxAgeMs: Number.POSITIVE_INFINITY }, { maxAgeMs: 1, maxEntries: 0 }])(
    'needs a bound: %j',
    (cache) => {
      expect(() => guarded({ cache })).toThrow(/cache\.max/);
    },
  );
});

test('a service can write its own answers', async () => {
  const { get } = guarded({ answer: ({ status, detail }, c) => c.text(detail, status) });
  expect(await (await get()).text()).toBe('API key required.');
});
