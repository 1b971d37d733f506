import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checksum } from '../../../src/keys/key-format.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { FIRST_KEY, type Running, register, startService } from '../../support/keyhearth.ts';
import { CHEAP, operator, storedKeys } from '../../support/keys.ts';

const time = fakeClock();
const now = time.clock.now() / 1_000;
let keyhearth: Running;
beforeAll(async () => {
  keyhearth = await startService({ clock: time.clock, config: CHEAP });
  await register(keyhearth.send);
});
afterAll(() => keyhearth.close());

const { made, patch, get, create } = operator((call) => keyhearth.send(call));
const stored = () => storedKeys(keyhearth.dataDir);

const sendJson = (method: string, path: string, body: string) =>
  keyhearth.send({ method, path, key: FIRST_KEY, headers: { 'Content-Type': 'application/json' }, body });

const all = {
  label: 'backup',
  owner: 'größe 🔥',
  scopes: ['invoices:read', 'a:*'],
  allowed_ips: ['10.0.0.0/8', '2001:db8::/32'],
  rate_limits: [
    { name: 'burst', limit: 20, window: '1s' },
    { name: 'day', limit: 10_000, window: '1d' },
  ],
  max_concurrent: 20,
  metadata: { team: 'billing', nested: [{ a: null }, 1.5, 'x'] },
};

test('every setting is stored, shown and changed', async () => {
  const key = await made({ ...all, prefix: 'acme', expires_in: '90d' });
  const { raw_key, ...shown } = key;
  expect(shown).toEqual({
    ...all,
    id: expect.any(Number),
    account_id: null,
    prefix: 'acme',
    hint: raw_key.slice(0, 14),
    expires_at: expect.closeTo(now + 90 * 86_400, 3),
    is_active: true,
    status: 'active',
    source: 'created',
    rotated_from: null,
    rotated_to: null,
    created_at: now,
    last_used_at: null,
    use_count: 0,
  });
  expect(await get(key.id)).toEqual(shown);
  const changes = {
    ...{ label: '', owner: 'ops', scopes: [], expires_at: null, allowed_ips: [] },
    ...{ rate_limits: [], max_concurrent: null, metadata: {} },
  };
  for (const [name, value] of Object.entries(changes)) {
    const answer = await patch(key.id, { [name]: value });
    expect(answer).toMatchObject({ status: 200, json: { [name]: value } });
  }
  expect(await get(key.id)).toEqual({ ...shown, ...changes });
  await patch(key.id, all);
  expect(await get(key.id)).toEqual({ ...shown, expires_at: null });
});

describe('the raw key', () => {
  test.each(['kh', 'ab', 'acme', 'a1_b2', 'a_', 'abcdefghijklmnop', 'khsx', 'kha1', 'pxos2'])(
    'begins with the prefix %s, and ends with a checksum',
    async (prefix) => {
      const { raw_key, hint } = await made({ prefix });
      expect(raw_key).toMatch(new RegExp(`^${prefix}_[0-9A-Za-z]{61}$`));
      expect(raw_key.slice(-6)).toBe(checksum(raw_key.slice(0, -6)));
      expect(hint).toBe(raw_key.slice(0, prefix.length + 10));
      expect((await keyhearth.send({ path: '/auth/verify', key: raw_key })).status).toBe(200);
    },
  );
});

describe('the expiry', () => {
  test.each<[object, number]>([
    [{ expires_at: '2100-01-31T12:00:00Z' }, Date.UTC(2100, 0, 31, 12) / 1_000],
    [{ expires_at: '2100-01-31t12:00:00z' }, Date.UTC(2100, 0, 31, 12) / 1_000],
    [{ expires_at: '2100-01-31T12:00:00.123456789+02:00' }, Date.UTC(2100, 0, 31, 10, 0, 0, 123) / 1_000],
    [{ expires_at: '2100-01-31T00:00:00-23:30' }, Date.UTC(2100, 0, 31, 23, 30) / 1_000],
    [{ expires_at: 4_102_444_800.123 }, 4_102_444_800.123],
    [{ expires_at: 253_402_300_799 }, 253_402_300_799],
    [{ expires_at: 253_402_300_799.999 }, 253_402_300_799.999],
    [{ expires_at: '9999-12-31T23:59:59.999Z' }, 253_402_300_799.999],
    [{ expires_in: '90d' }, now + 90 * 86_400],
    [{ expires_in: '12h' }, now + 12 * 3_600],
    [{ expires_in: '30m' }, now + 1_800],
    [{ expires_in: '45s' }, now + 45],
    [{ expires_in: 1 }, now + 1],
    [{ expires_in: '36525d' }, now + 36_525 * 86_400],
    [{ expires_in: 36_525 * 86_400 }, now + 36_525 * 86_400],
  ])('%j', async (body, expected) => {
    const { id, expires_at } = await made(body);
    expect(expires_at).toBeCloseTo(expected, 3);
    expect((await patch(id, { expires_at: null })).json.expires_at).toBeNull();
    expect((await patch(id, body)).json.expires_at).toBe(expires_at);
  });
});

test.each([
  ['10.1.2.3/8', '10.0.0.0/8'],
  ['10.1.2.3/32', '10.1.2.3'],
  ['10.1.2.3/31', '10.1.2.2/31'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.3/104', '10.0.0.0/8'],
  ['::FFFF:0:0/96', '0.0.0.0/0'],
  ['2001:DB8:0:0::1/32', '2001:db8::/32'],
  ['2001:db8::1/127', '2001:db8::/127'],
  ['2001:db8::1/128', '2001:db8::1'],
  ['::/0', '::/0'],
])('the network %s is stored as %s', async (written, canonical) => {
  expect((await made({ allowed_ips: [written] })).allowed_ips).toEqual([canonical]);
});

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
const ofBytes = (bytes: number) => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) });
const limit = (name: string, more: object = {}) => ({ name, limit: 1, window: '1s', ...more });
const many = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

describe('at its border', () => {
  test.each<[string, object]>([
    ['a label of 200 characters', { label: '🔥'.repeat(200) }],
    ['an owner of 200 characters', { owner: 'ü'.repeat(200) }],
    [
      '64 scopes of 100 characters',
      { scopes: many(64, (i) => `${String(i).padStart(3, '0')}${'a'.repeat(97)}`) },
    ],
    ['64 networks', { allowed_ips: many(64, (i) => `10.0.${i}.0/24`) }],
    ['8 rate limits', { rate_limits: many(8, (i) => limit(`n${i}`)) }],
    ['a limit of a billion in 366 days', { rate_limits: [limit('a', { limit: 1e9, window: '366d' })] }],
    ['a million requests at one time', { max_concurrent: 1_000_000 }],
    ['metadata of 4 KiB', { metadata: ofBytes(4_096) }],
    ['metadata nested 32 deep', { metadata: { a: nested(31) } }],
  ])('%s is stored', async (_, body) => {
    const { id, ...key } = await made(body);
    expect(key).toMatchObject(body);
    expect(await get(id)).toMatchObject(body);
  });
});

/** Each is refused with the name of the field, and changes nothing: by POST, and by PATCH. */
const bad: [string, string | object][] = [
  ...['A', 'a b', '', ':a', 'a:', 'a::b', 'a*', '**', '*:a', 'ä', 'a\n', 'a'.repeat(101)].map(
    (scope): [string, object] => ['scopes.0', { scopes: [scope] }],
  ),
  ...[null, 'a', {}, many(65, (i) => `s${i}`)].map((scopes): [string, object] => ['scopes', { scopes }]),
  ['scopes.0', { scopes: [1] }],
  ...[now - 1, now, 0, -1, 1e15, '', 'tomorrow', '2100-02-30T00:00:00Z', '2100-01-31', true, [], {}].map(
    (expires_at): [string, object] => ['expires_at', { expires_at }],
  ),
  ...[
    '2100-01-31T12:00Z',
    '2100-01-31 12:00:00Z',
    '2100-01-31T12:00:00',
    '1999-01-01T00:00:00Z',
    '4102444800',
  ].map((expires_at): [string, object] => ['expires_at', { expires_at }]),
  ...['9999-12-31T23:59:59-00:01', 253_402_300_800].map((expires_at): [string, object] => [
    'expires_at',
    { expires_at },
  ]),
  ['expires_at', '{"expires_at": 1e400}'],
  ...['', '0s', 0, -1, 1.5, '1w', '1.5h', '90D', ' 1d', '1d ', '36526d', 1e12, null, true, '-1d'].map(
    (expires_in): [string, object] => ['expires_in', { expires_in }],
  ),
  ['expires_in', { expires_in: '1d', expires_at: now + 60 }],
  ['expires_in', { expires_in: '1d', expires_at: null }],
  ...[
    '',
    'localhost',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '010.0.0.1',
    '::/129',
    'fe80::1%eth0',
  ].map((network): [string, object] => ['allowed_ips.0', { allowed_ips: [network] }]),
  ['allowed_ips.0', { allowed_ips: ['::ffff:10.0.0.0/8'] }],
  ['allowed_ips', { allowed_ips: many(65, () => '10.0.0.1') }],
  ['allowed_ips', { allowed_ips: '10.0.0.1' }],
  ['rate_limits.0.window', { rate_limits: [limit('a', { window: '0s' })] }],
  ['rate_limits.0.window', { rate_limits: [limit('a', { window: '367d' })] }],
  ['rate_limits.0.limit', { rate_limits: [limit('a', { limit: 0 })] }],
  ['rate_limits.0.limit', { rate_limits: [limit('a', { limit: 1e9 + 1 })] }],
  ['rate_limits.0.limit', { rate_limits: [limit('a', { limit: '5' })] }],
  ['rate_limits.0.name', { rate_limits: [limit('A')] }],
  ['rate_limits.0.burst', { rate_limits: [limit('a', { burst: 1 })] }],
  [
    'rate_limits.0.__proto__',
    '{"rate_limits": [{"name": "a", "limit": 1, "window": "1s", "__proto__": {}}]}',
  ],
  ['rate_limits', { rate_limits: [limit('a'), limit('a')] }],
  ...[0, -1, 1.5, '5', 1_000_001, true].map((max_concurrent): [string, object] => [
    'max_concurrent',
    { max_concurrent },
  ]),
  ['rate_limits', { rate_limits: many(9, (i) => limit(`n${i}`)) }],
  ...[null, [], 'x', 1, ofBytes(4_097), { a: nested(32) }].map((metadata): [string, object] => [
    'metadata',
    { metadata },
  ]),
  ...['{"__proto__": 1}', '{"a": {"__proto__": {}}}', '{"a": [[{"__proto__": null}]]}'].map(
    (metadata): [string, string] => ['metadata', `{"metadata": ${metadata}}`],
  ),
  ...['{"a": 1e999}', '{"a": [{"b": -1e999}]}'].map((metadata): [string, string] => [
    'metadata',
    `{"metadata": ${metadata}}`,
  ]),
  ['metadata', `{"metadata": {"a": ${'['.repeat(30_000)}${']'.repeat(30_000)}}}`],
  ['metadata', `{"metadata": ${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`],
  ['label', { label: 'x'.repeat(201) }],
  ['owner', { owner: 'x'.repeat(201) }],
  ['owner', { owner: 'a\u0000b' }],
  ['owner', { owner: null }],
  ['is_active', { is_active: true }],
  ['source', { source: 'config' }],
  ['rotated_to', { rotated_to: null }],
  ['__proto__', '{"__proto__": {"scopes": ["*"]}}'],
];
const badPrefixes = [
  '',
  'k',
  'Kh',
  '1a',
  '_a',
  'a-b',
  'a'.repeat(17),
  'khs',
  'kha',
  'pxos',
  'khs_',
  'kha_1',
  null,
];

test('bad input is a 400 that names its field, and nothing is stored', async () => {
  const { id } = await made(all);
  const before = await stored();
  const check = async (method: string, path: string, field: string, body: string | object) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await sendJson(method, path, text);
    const about = `${method} ${text.slice(0, 100)} ${answer.text.slice(0, 300)}`;
    expect(answer.status, about).toBe(400);
    expect(
      answer.json.errors.map((error: { path: string }) => error.path),
      about,
    ).toContain(field);
    expect(answer.json.detail, about).toContain(field);
  };
  for (const [field, body] of bad) {
    await check('POST', '/auth/keys', field, body);
    await check('PATCH', `/auth/keys/${id}`, field, body);
  }
  for (const prefix of badPrefixes) await check('POST', '/auth/keys', 'prefix', { prefix });
  await check('POST', '/auth/keys', 'force', { force: true });
  await check('PATCH', `/auth/keys/${id}`, 'prefix', { prefix: 'acme' });
  await check('PATCH', `/auth/keys/${id}`, 'force', { force: 'yes', label: '' });
  expect((await patch(id, {})).status).toBe(400);
  expect((await patch(id, { force: true })).status).toBe(400);
  expect((await create([])).status).toBe(400);
  expect(await stored()).toEqual(before);
  expect(({} as { scopes?: unknown }).scopes).toBeUndefined();
});
