import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { SORTS, type Sort } from '../../src/keys/cursor.ts';
import { fold, foldedUnlessAscii } from '../../src/lib/fold.ts';
import {
  bootstrapped,
  FIRST_KEY,
  type Running,
  service,
  sqlIn,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

const NOW = 1_800_000_000_000;
const clock = { now: () => NOW, monotonic: () => performance.now() };

type Key = {
  id: number;
  label: string;
  owner: string;
  scopes: string[];
  prefix: string | null;
  source: string;
  isActive: boolean;
  isExpired: boolean;
  createdAt: number;
  lastUsedAt: number | null;
  expiresAt: number | null;
};

const quoted = (text: string | null) => (text === null ? 'null' : `'${text.replaceAll("'", "''")}'`);

/** Adds keys past the service, with times that only old databases have. */
async function addKeys(dataDir: string, keys: readonly Key[]): Promise<void> {
  const rows = keys.map((key) =>
    [
      ...[key.id, quoted(key.label), quoted(key.owner), quoted(foldedUnlessAscii(key.label))],
      ...[quoted(foldedUnlessAscii(key.owner)), quoted(key.scopes.join(' ')), quoted(key.prefix)],
      ...[quoted(key.source), Number(key.isActive), Number(key.isExpired), key.createdAt],
      ...[key.lastUsedAt, key.expiresAt, "'hint'", "'hash'"].map(String),
    ].join(),
  );
  await sqlIn(
    dataDir,
    `insert into api_keys (id, label, owner, label_folded, owner_folded, scopes, prefix, source, is_active, is_expired,
      created_at, last_used_at, expires_at, hint, hash) values ${rows.map((row) => `(${row})`).join()}`,
  );
}

/** A key of a number, so that many have the same values. */
const keyOf = (id: number): Key => ({
  id,
  label: ['Backup', 'ÄRGER in Straße', 'back_up 100%', 'ΟΔΟΣ', ''][id % 5] ?? '',
  owner: ['ops@example.com', 'Ünal', "o'neil"][id % 3] ?? '',
  scopes:
    [['*'], [], ['invoices:read', 'invoices:write'], ['invoices:*', 'a'], ['invoices:read']][id % 5] ?? [],
  prefix: [null, 'kh', 'rare'][id % 3] ?? null,
  source: ['created', 'imported', 'created', 'config'][id % 4] ?? '',
  isActive: id % 6 !== 0,
  isExpired: id % 8 === 1,
  createdAt: NOW - 1_000 * ((id * 7) % 11),
  lastUsedAt: id % 3 === 0 ? null : NOW - 10 * ((id * 5) % 13),
  expiresAt: id % 8 === 1 ? NOW - 5 : ([null, NOW, NOW + 1, NOW - 1_000 * (id % 7)][id % 4] ?? null),
});

const KEYS = Array.from({ length: 160 }, (_, i) => keyOf(i + 2));

type Filters = Partial<Record<'label' | 'owner' | 'status' | 'scope' | 'source' | 'prefix', string>>;

function statusOf({ isActive, isExpired, expiresAt }: Key): string {
  if (!isActive) return 'inactive';
  return isExpired || (expiresAt !== null && expiresAt <= NOW) ? 'expired' : 'active';
}

const has = (text: string, part: string | undefined) => part === undefined || fold(text).includes(fold(part));
const is = <T>(value: T, wanted: T | undefined) => wanted === undefined || value === wanted;

const matches = (key: Key, { label, owner, status, scope, source, prefix }: Filters) =>
  has(key.label, label) &&
  has(key.owner, owner) &&
  is(statusOf(key), status) &&
  is(key.source, source) &&
  is(key.prefix, prefix ?? undefined) &&
  (scope === undefined || key.scopes.includes(scope));

const sortValue = {
  created_at: (key: Key) => key.createdAt,
  last_used_at: (key: Key) => key.lastUsedAt ?? Number.NEGATIVE_INFINITY,
  expires_at: (key: Key) => key.expiresAt ?? Number.POSITIVE_INFINITY,
};

/** What the list is: all keys, filtered and sorted in the simplest way. */
function model(keys: readonly Key[], filters: Filters, sort: Sort): number[] {
  const by = sort.replace('-', '') as keyof typeof sortValue;
  const compare = (a: Key, b: Key) => {
    const [one, other] = [sortValue[by](a), sortValue[by](b)];
    return one === other ? a.id - b.id : one < other ? -1 : 1;
  };
  const sorted = keys.filter((key) => matches(key, filters)).toSorted(compare);
  return (sort.startsWith('-') ? sorted.toReversed() : sorted).map(({ id }) => id);
}

/** The key of the requests moves when its use is written, which is seconds later. */
const withoutOwn = (ids: readonly number[]) => ids.filter((id) => id !== 1);

const idsOf = (json: { keys: { id: number }[] }) => json.keys.map(({ id }) => id);

async function page(send: Running['send'], query: Record<string, string>) {
  const answer = await send({ path: `/auth/keys?${new URLSearchParams(query)}`, key: FIRST_KEY });
  expect(answer.status, answer.text).toBe(200);
  return answer.json;
}

/** All pages. `meanwhile` runs between them. */
async function allPages(
  send: Running['send'],
  query: Record<string, string>,
  meanwhile?: (ids: number[]) => Promise<void>,
): Promise<number[]> {
  const ids: number[] = [];
  for (let cursor: string | undefined; ; ) {
    const json = await page(send, { ...query, ...(cursor !== undefined && { cursor }) });
    ids.push(...idsOf(json));
    cursor = json.next_cursor;
    if (cursor === undefined) return ids;
    await meanwhile?.(ids);
  }
}

/** A service with KEYS. Its first key is not among what the tests list. */
async function withKeys(keys = KEYS) {
  const running = await bootstrapped({ clock });
  await addKeys(running.dataDir, keys);
  const [first] = await sqlIn(running.dataDir, 'select created_at from api_keys where id = 1');
  const own: Key = {
    ...{ id: 1, label: 'first', owner: '', scopes: ['*'], prefix: null, source: 'registered' },
    ...{ isActive: true, isExpired: false, createdAt: Number(first?.created_at) },
    ...{ lastUsedAt: null, expiresAt: null },
  };
  return { ...running, keys: [own, ...keys] };
}

const FILTERS: Filters[] = [
  {},
  ...['active', 'inactive', 'expired'].map((status) => ({ status })),
  ...['*', 'invoices:read', 'invoices:*', 'a', 'nothing', 'invoices'].map((scope) => ({ scope })),
  ...['registered', 'created', 'imported', 'config'].map((source) => ({ source })),
  ...['kh', 'rare', 'none'].map((prefix) => ({ prefix })),
  ...['back', 'BACK_UP', '%', '_', 'ärger', 'STRASSE', 'οδοσ', 'Straße', 'nothing', '!'].map((label) => ({
    label,
  })),
  ...['ünal', "O'N", '@EXAMPLE'].map((owner) => ({ owner })),
];

describe('a page of keys', () => {
  test('follows a naive model for each filter alone, in each sort', async () => {
    const { send, keys } = await withKeys();
    for (const [i, filters] of FILTERS.entries()) {
      for (const sort of LONG ? SORTS : SORTS.filter((_, place) => place % 3 === i % 3)) {
        const expected = model(keys, filters, sort);
        const ids = idsOf(await page(send, { ...filters, sort, limit: '1000' }));
        expect(withoutOwn(ids), JSON.stringify({ filters, sort })).toEqual(withoutOwn(expected));
        if (expected.length > 0 && expected.length < 200) {
          const paged = await allPages(send, { ...filters, sort, limit: '37' });
          expect(withoutOwn(paged)).toEqual(withoutOwn(expected));
        }
      }
    }
  });

  test('follows the model for any combination and any size of the pages', async () => {
    const { send, keys } = await withKeys();
    const some = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
    const filters = fc.record({
      label: some('back', 'ÄRGER', 'a', '%', 'ς'),
      owner: some('Ü', 'example', "'"),
      status: some('active', 'inactive', 'expired'),
      scope: some('*', 'a', 'invoices:read', 'invoices:*'),
      source: some('created', 'config'),
      prefix: some('kh', 'rare'),
    });
    await fc.assert(
      fc.asyncProperty(
        filters,
        fc.constantFrom(...SORTS),
        fc.integer({ min: 5, max: 60 }),
        async (some, sort, limit) => {
          const given = Object.fromEntries(Object.entries(some).filter(([, value]) => value !== undefined));
          const paged = await allPages(send, { ...given, sort, limit: String(limit) });
          expect(withoutOwn(paged)).toEqual(withoutOwn(model(keys, given, sort)));
        },
      ),
      { numRuns: LONG ? 80 : 15 },
    );
  });

  test('contains each key that stays once, while others come and go', async () => {
    for (const sort of LONG ? SORTS : SORTS.slice(0, 2)) {
      const { send, dataDir, keys } = await withKeys();
      let next = 1_000;
      const gone = new Set<number>();
      const pages = await allPages(send, { sort, limit: '10' }, async (ids) => {
        // The last key of the page is deleted, so that the cursor names a key that does not exist.
        const last = ids.at(-1) ?? 0;
        const later = KEYS.find(({ id }) => !ids.includes(id) && !gone.has(id))?.id ?? 0;
        for (const id of [last, later]) if (id !== 1) gone.add(id);
        await sqlIn(dataDir, `delete from api_keys where id in (${[...gone].join()})`);
        await addKeys(dataDir, [keyOf(next++), keyOf(next++)]);
      });
      const seen = withoutOwn(pages);
      const stayed = withoutOwn(model(keys, {}, sort)).filter((id) => !gone.has(id));
      expect(seen.filter((id) => stayed.includes(id))).toEqual(stayed);
      expect(new Set(seen).size).toBe(seen.length);
    }
  });

  test('of long keys is shorter than its limit, and the next one goes on', async () => {
    const { send, dataDir, keys } = await withKeys(Array.from({ length: 900 }, (_, i) => keyOf(i + 2)));
    await sqlIn(dataDir, `update api_keys set metadata = '{"text": "${'x'.repeat(4_000)}"}'`);
    for (const query of [{}, { status: 'active' }, { label: 'a' }, { sort: 'expires_at', owner: 'e' }]) {
      const { sort = '-created_at', ...filters } = query as { sort?: Sort } & Filters;
      const { text, json } = await send({
        path: `/auth/keys?${new URLSearchParams({ ...filters, sort, limit: '1000' })}`,
        key: FIRST_KEY,
      });
      expect(json.next_cursor).toEqual(expect.any(String));
      expect(Math.abs(text.length - 950_000)).toBeLessThan(100_000);
      expect(await allPages(send, { ...filters, sort, limit: '1000' })).toEqual(model(keys, filters, sort));
    }
  });

  test('finds what the API itself wrote and changed', async () => {
    const { send } = await bootstrapped();
    const make = (body: object) => send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body });
    const { json } = await make({ label: 'Größe', owner: 'Ève', scopes: ['a', 'b:c'], prefix: 'acme' });
    const found = async (query: Record<string, string>) => idsOf(await page(send, query));
    for (const query of [
      { label: 'GRÖSSE' },
      { owner: 'èVE' },
      { scope: 'b:c' },
      { prefix: 'acme' },
      { scope: 'a' },
    ])
      expect(await found(query as Record<string, string>)).toEqual([json.id]);
    expect(await found({ scope: 'b' })).toEqual([]);
    const path = `/auth/keys/${json.id}`;
    await send({ method: 'PATCH', path, key: FIRST_KEY, body: { label: 'Äpfel', scopes: ['b:c', 'd'] } });
    expect(await found({ label: 'GRÖSSE' })).toEqual([]);
    expect(await found({ label: 'äPFEL' })).toEqual([json.id]);
    expect(await found({ scope: 'a' })).toEqual([]);
    expect(await found({ scope: 'd' })).toEqual([json.id]);
    await send({ method: 'PATCH', path, key: FIRST_KEY, body: { label: 'plain', scopes: ['*'] } });
    expect(await found({ label: 'äpfel' })).toEqual([]);
    expect(await found({ scope: 'd' })).toEqual([]);
    expect(await found({ scope: '*' })).toEqual([json.id, 1]);
    await send({ method: 'POST', path: `${path}/deactivate`, key: FIRST_KEY });
    expect(await found({ status: 'inactive' })).toEqual([json.id]);
    await send({ method: 'DELETE', path, key: FIRST_KEY });
    expect(await found({ prefix: 'acme' })).toEqual([]);
  });

  test('follows every change of a key, also one past the service', async () => {
    const { send, dataDir, keys } = await withKeys();
    const changes: [number, string, (key: Key) => Partial<Key>][] = [
      [4, `last_used_at = ${NOW + 7}, use_count = 1`, () => ({ lastUsedAt: NOW + 7 })],
      [5, 'is_expired = 1', () => ({ isExpired: true })],
      [
        7,
        "is_active = 0, expires_at = null, scopes = 'a x'",
        () => ({ isActive: false, expiresAt: null, scopes: ['a', 'x'] }),
      ],
      [
        9,
        'created_at = created_at + 3, id = id + 500',
        ({ createdAt, id }) => ({ createdAt: createdAt + 3, id: id + 500 }),
      ],
      [
        10,
        "label = 'Neu', label_folded = null, owner = 'N', owner_folded = null, source = 'config', prefix = 'new'",
        () => ({ label: 'Neu', owner: 'N', source: 'config', prefix: 'new' }),
      ],
    ];
    let expected = keys;
    for (const [every, text, change] of changes) {
      await sqlIn(dataDir, `update api_keys set ${text} where id > 1 and id % ${every} = 0`);
      expected = expected.map((key) =>
        key.id > 1 && key.id % every === 0 ? { ...key, ...change(key) } : key,
      );
    }
    await sqlIn(dataDir, 'delete from api_keys where id > 1 and id % 11 = 0');
    expected = expected.filter(({ id }) => id === 1 || id % 11 !== 0);
    for (const filters of [
      ...[{}, { status: 'active' }, { status: 'inactive' }, { status: 'expired' }, { scope: '*' }],
      ...[{ scope: 'x' }, { label: 'neu' }, { source: 'config' }, { prefix: 'new', owner: 'n' }],
    ]) {
      for (const sort of SORTS) {
        const ids = idsOf(await page(send, { ...filters, sort, limit: '1000' }));
        expect(withoutOwn(ids), JSON.stringify({ filters, sort })).toEqual(
          withoutOwn(model(expected, filters, sort)),
        );
      }
    }
    const [listed] = await sqlIn(dataDir, 'select count(*) as n from api_key_listing');
    expect(Number(listed?.n)).toBe(expected.length);
  });

  test('an expired key is listed as expired from its millisecond on', async () => {
    let now = NOW;
    const { send } = await bootstrapped({ clock: { ...clock, now: () => now } });
    const body = { expires_at: (NOW + 5_000) / 1_000 };
    const { json } = await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body });
    for (const [at, expected] of [
      [NOW + 4_999, []],
      [NOW + 5_000, [json.id]],
    ] as const) {
      now = at;
      expect(idsOf(await page(send, { status: 'expired' }))).toEqual(expected);
      expect(idsOf(await page(send, { status: 'expired', sort: 'expires_at' }))).toEqual(expected);
      expect(idsOf(await page(send, { status: 'active' }))).not.toEqual(expected);
    }
  });
});

describe('a cursor', () => {
  const refused = async (send: Running['send'], query: string) => {
    const { status, json } = await send({ path: `/auth/keys?${query}`, key: FIRST_KEY });
    expect(status).toBe(400);
    expect(json.errors).toHaveLength(1);
    return json.errors[0];
  };

  test('of another sort is refused by its name', async () => {
    const { send } = await withKeys();
    for (const sort of SORTS) {
      const { next_cursor: cursor } = await page(send, { sort, limit: '3' });
      expect(cursor).toMatch(/^[\w-]+$/);
      for (const other of SORTS.filter((each) => each !== sort)) {
        const error = await refused(send, `sort=${other}&cursor=${cursor}`);
        expect(error.path).toBe('cursor');
        expect(error.message).toContain(`the sort ${sort}`);
      }
    }
  });

  test('that no page has is refused', async () => {
    const { send } = await withKeys();
    const forged = (text: string) => Buffer.from(text).toString('base64url');
    const bad = [
      ...['', '2', 'abc', 'x'.repeat(101), forged('-created_at 5'), forged('-created_at 5 0')],
      ...[forged('-label 5 1'), forged('-created_at -5 1'), forged('-created_at 9999999999999999 1')],
      `${forged('-created_at 5 1')}A`,
    ];
    for (const cursor of bad)
      expect(await refused(send, `cursor=${cursor}`)).toEqual({
        path: 'cursor',
        message: 'must be the next_cursor of an earlier page',
      });
  });
});

test('keys that expired while no process ran are marked at the start, and an extended one is valid again', async () => {
  const dataDir = temporaryDirectory();
  const first = await startService({ dataDir, clock });
  await first.send({ method: 'POST', path: '/auth/register-key', body: { api_key: FIRST_KEY } });
  await addKeys(dataDir, KEYS);
  await first.close();
  let now = NOW + 120_000;
  const { send } = await service({ dataDir, clock: { ...clock, now: () => now } });
  const marked = async () =>
    (await sqlIn(dataDir, 'select id from api_keys where is_expired = 1 and is_active = 1 order by id')).map(
      ({ id }) => id,
    );
  const expected = KEYS.filter((key) => key.isActive && (key.isExpired || key.expiresAt !== null)).map(
    ({ id }) => id,
  );
  await vi.waitFor(async () => expect(await marked()).toEqual(expected), { timeout: 60_000 });
  // A clock that goes back does not make them valid again.
  now = NOW - 10_000_000;
  expect((await page(send, { status: 'expired', limit: '1000' })).keys).toHaveLength(expected.length);
  const extended = expected[0];
  const path = `/auth/keys/${extended}`;
  const body = { expires_at: (NOW + 1_000_000) / 1_000 };
  expect((await send({ method: 'PATCH', path, key: FIRST_KEY, body })).json.status).toBe('active');
  expect((await page(send, { status: 'expired', limit: '1000' })).keys).toHaveLength(expected.length - 1);
});
