import { beforeEach, expect, test } from 'vitest';
import type { Clock } from '../../src/lib/clock.ts';
import type { Send } from '../support/http.ts';
import {
  bootstrapped,
  FIRST_KEY,
  register,
  service,
  sqlIn,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** 2026-01-01T00:00:00Z */
const MIDNIGHT = 1_767_225_600_000;

let time: number;
const clock: Clock = { now: () => time, monotonic: () => 1_000 };
beforeEach(() => {
  time = MIDNIGHT - 2;
});

const makeKey = async (send: Send, body: object) =>
  (await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body })).json;
const introspect = (send: Send, body: object) =>
  send({ method: 'POST', path: '/auth/verify', key: FIRST_KEY, body });
const usage = async (send: Send, path: string) => (await send({ path, key: FIRST_KEY })).json.buckets;
const counted = (buckets: { valid: number; refused: object }[]) =>
  buckets.filter(({ valid, refused }) => valid > 0 || Object.keys(refused).length > 0);
const seconds = (at: number) => at / 1_000;

/** The test ends it, so that it writes what it has counted. */
async function firstRun(dataDir: string, env: Record<string, string> = {}) {
  const first = await startService({ clock, dataDir, env });
  await register(first.send);
  return first;
}

test('all ways to verify count by hour and by outcome, and nothing else does', async () => {
  const dataDir = temporaryDirectory();
  const first = await firstRun(dataDir);
  const { send } = first;
  const key = await makeKey(send, { scopes: ['a:read'] });
  const elsewhere = await makeKey(send, { allowed_ips: ['192.0.2.1'] });
  const short = await makeKey(send, { expires_at: seconds(MIDNIGHT) });
  const inactive = await makeKey(send, {});
  await send({ method: 'POST', path: `/auth/keys/${inactive.id}/deactivate`, key: FIRST_KEY });

  expect((await send({ path: '/auth/verify', key: key.raw_key })).status).toBe(200);
  expect((await send({ path: '/auth/verify?x=1', key: key.raw_key })).status).toBe(200);
  expect((await send({ method: 'HEAD', path: '/auth/verify?x=1', key: key.raw_key })).status).toBe(200);
  expect((await send({ method: 'PUT', path: '/auth/verify/any', key: key.raw_key })).status).toBe(200);
  expect((await introspect(send, { keys: [key.raw_key, key.raw_key] })).json.results).toMatchObject([
    { code: 'VALID' },
    { code: 'VALID' },
  ]);
  expect((await send({ path: '/auth/verify', key: short.raw_key })).status).toBe(200);
  time = MIDNIGHT;
  for (const path of ['/auth/verify?scope=b', '/auth/verify?scope=b&x=1'])
    expect((await send({ path, key: key.raw_key })).status).toBe(403);
  await introspect(send, { key: key.raw_key, scope: ['b'] });
  expect((await send({ path: '/auth/self', key: key.raw_key })).status).toBe(200);
  for (const { raw_key } of [short, inactive, elsewhere]) {
    for (const path of ['/auth/verify', '/auth/verify?x=1', '/auth/self'])
      expect((await send({ path, key: raw_key })).status).toBe(401);
    await introspect(send, { key: raw_key });
    // A valid key clears the failed attempts.
    await send({ path: '/auth/self', key: FIRST_KEY });
  }
  await first.close();

  time = MIDNIGHT + 1;
  const second = await service({ clock, dataDir });
  const of = (id: number) => usage(second.send, `/auth/keys/${id}/usage`);
  const [before, after] = [seconds(MIDNIGHT - HOUR), seconds(MIDNIGHT)];
  expect(counted(await of(key.id))).toEqual([
    { start: before, valid: 6, refused: {} },
    { start: after, valid: 0, refused: { INSUFFICIENT_SCOPE: 3 } },
  ]);
  expect(counted(await of(short.id))).toEqual([
    { start: before, valid: 1, refused: {} },
    { start: after, valid: 0, refused: { EXPIRED: 3 } },
  ]);
  expect(counted(await of(inactive.id))).toEqual([{ start: after, valid: 0, refused: { INACTIVE: 3 } }]);
  expect(counted(await of(elsewhere.id))).toEqual([
    { start: after, valid: 0, refused: { IP_NOT_ALLOWED: 3 } },
  ]);
  expect(counted(await of(1))).toEqual([]);
  expect(counted(await usage(second.send, '/auth/usage'))).toEqual([
    { start: before, valid: 7, refused: {} },
    {
      start: after,
      valid: 0,
      refused: { INSUFFICIENT_SCOPE: 3, EXPIRED: 3, INACTIVE: 3, IP_NOT_ALLOWED: 3 },
    },
  ]);
  const uses = await sqlIn(
    dataDir,
    'select id, use_count, last_used_at from api_keys where id > 1 order by id',
  );
  expect(uses.map(({ use_count, last_used_at }) => [use_count, last_used_at])).toEqual([
    // Its own request to /auth/self is a use, and no verification.
    [7, MIDNIGHT],
    [0, null],
    [1, MIDNIGHT - 2],
    [0, null],
  ]);
});

test('a verification over a rate limit counts as refused, in both verbs', async () => {
  const dataDir = temporaryDirectory();
  const first = await firstRun(dataDir);
  const { id, raw_key } = await makeKey(first.send, {
    rate_limits: [{ name: 'hour', limit: 2, window: '1h' }],
  });
  const paths = ['/auth/verify', '/auth/verify?x=1', '/auth/verify', '/auth/verify?x=1'];
  const statuses = [];
  for (const path of paths) statuses.push((await first.send({ path, key: raw_key })).status);
  expect(statuses).toEqual([200, 200, 429, 429]);
  expect((await introspect(first.send, { key: raw_key })).json.code).toBe('RATE_LIMITED');
  await first.close();
  time = MIDNIGHT;
  const { send } = await service({ clock, dataDir });
  expect(counted(await usage(send, `/auth/keys/${id}/usage`))).toMatchObject([
    { valid: 2, refused: { RATE_LIMITED: 3 } },
  ]);
  expect(await sqlIn(dataDir, `select use_count from api_keys where id = ${id}`)).toEqual([{ use_count: 2 }]);
});

test('a key that does not exist and a locked address count nothing', async () => {
  const dataDir = temporaryDirectory();
  const first = await firstRun(dataDir);
  for (let i = 0; i < 5; i++)
    await first.send({ path: '/auth/verify', key: `an-unknown-key-of-a-client-0123456789-${i}` });
  expect((await first.send({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(429);
  await first.close();
  expect(await sqlIn(dataDir, 'select key_id from usage_hours')).toEqual([]);
});

test('with KEYHEARTH_USAGE_DAYS=0, only use_count is counted', async () => {
  const dataDir = temporaryDirectory();
  const first = await firstRun(dataDir, { KEYHEARTH_USAGE_DAYS: '0' });
  await first.send({ path: '/auth/verify', key: FIRST_KEY });
  await first.close();
  expect(await sqlIn(dataDir, 'select key_id from usage_hours')).toEqual([]);
  expect(await sqlIn(dataDir, 'select use_count from api_keys')).toEqual([{ use_count: 1 }]);
});

test('a deleted key is unknown, and stays in the sum of all keys', async () => {
  const dataDir = temporaryDirectory();
  const first = await firstRun(dataDir);
  const key = await makeKey(first.send, {});
  await first.send({ path: '/auth/verify', key: key.raw_key });
  await first.close();
  const { send } = await service({ clock, dataDir });
  await send({ method: 'DELETE', path: `/auth/keys/${key.id}`, key: FIRST_KEY });
  expect(await send({ path: `/auth/keys/${key.id}/usage`, key: FIRST_KEY })).toMatchObject({ status: 404 });
  expect(counted(await usage(send, '/auth/usage'))).toMatchObject([{ valid: 1 }]);
});

test('the period has a default, both forms of a time, and buckets without a gap', async () => {
  const { send } = await bootstrapped({ clock });
  const starts = async (query: string) =>
    (await usage(send, `/auth/usage${query}`)).map(
      ({ start }: { start: number }) => start * 1_000 - MIDNIGHT,
    );
  const hours = await starts('');
  expect(hours).toHaveLength(25);
  expect([hours[0], hours[24]]).toEqual([-DAY - HOUR, -HOUR]);
  expect(await starts('?from=2025-12-31T00:30:00Z&to=2025-12-31T02:00:00Z')).toEqual([-DAY, -DAY + HOUR]);
  expect(await starts(`?from=${seconds(MIDNIGHT - DAY)}&bucket=day`)).toEqual([-DAY]);
  expect(await starts('?from=2025-12-25T01:00:00%2B01:00')).toHaveLength(7 * 24);
  expect(await starts('?from=2025-12-20T00:00:00Z')).toHaveLength(12);
  expect(await starts('?from=2025-12-20T00:00:00Z&to=2025-12-20T01:00:00Z')).toEqual([-12 * DAY]);
});

test('the future is not looked up', async () => {
  const { send, dataDir } = await bootstrapped({ clock });
  await sqlIn(
    dataDir,
    `insert into usage_hours (start, key_id, outcome, count)
     values (${MIDNIGHT - HOUR}, 0, 'VALID', 1), (${MIDNIGHT}, 0, 'VALID', 1), (${MIDNIGHT + DAY}, 0, 'VALID', 1)`,
  );
  for (const [bucket, size, length] of [
    ['hour', HOUR, 49],
    ['day', DAY, 3],
  ] as const) {
    const query = `from=${seconds(MIDNIGHT - HOUR)}&to=${seconds(MIDNIGHT + 2 * DAY)}&bucket=${bucket}`;
    const buckets = await usage(send, `/auth/usage?${query}`);
    expect(buckets).toHaveLength(length);
    expect(counted(buckets)).toEqual([{ start: seconds(MIDNIGHT - size), valid: 1, refused: {} }]);
  }
});

test.each([
  ['x=1', 'x'],
  ['bucket=week', 'bucket'],
  ['bucket=hour&bucket=day', 'bucket'],
  ['from=yesterday', 'from'],
  ['from=1&from=2', 'from'],
  ['to=', 'to'],
  ['from=2025-12-31T00:00:00Z&to=2025-12-31T00:00:00Z', 'from'],
  ['from=2020-01-01T00:00:00Z', 'from'],
  ['from=2025-12-31T00:00:00Z&to=2035-01-01T00:00:00Z', 'from'],
  ['from=2025-12-20T00:00:00Z&bucket=hour', 'bucket'],
])('the query %s is a 400', async (query, path) => {
  const { send } = await bootstrapped({ clock });
  for (const resource of ['/auth/usage', '/auth/keys/1/usage']) {
    const answer = await send({ path: `${resource}?${query}`, key: FIRST_KEY });
    expect(answer).toMatchObject({ status: 400, json: { errors: [{ path }] } });
  }
});

test('it needs the scope usage:read', async () => {
  const { send } = await bootstrapped({ clock });
  const without = await makeKey(send, { scopes: ['keys:read', 'audit:read'] });
  const reader = await makeKey(send, { scopes: ['usage:read'] });
  for (const path of ['/auth/usage', '/auth/keys/1/usage']) {
    expect((await send({ path, key: without.raw_key })).status).toBe(403);
    expect((await send({ path, key: reader.raw_key })).status).toBe(200);
  }
});
