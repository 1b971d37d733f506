import { expect, test } from 'vitest';
import type { Send } from '../support/http.ts';
import { bootstrapped, FIRST_KEY, sqlIn } from '../support/keyhearth.ts';
import { ADMIN, peopled } from '../support/people.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** 2026-01-10T12:00:00Z */
const NOON = 1_768_046_400_000;
const clock = { now: () => NOON + 1, monotonic: () => 1_000 };

type Row = [at: number, key: number, outcome: string, count: number];

const insert = (dataDir: string, table: 'usage_hours' | 'usage_days', rows: readonly Row[]) =>
  sqlIn(
    dataDir,
    `insert into ${table} (start, key_id, outcome, count)
     values ${rows.map(([at, key, outcome, count]) => `(${at}, ${key}, '${outcome}', ${count})`).join()}`,
  );

const mostUsed = async (send: Send, query = '', key = FIRST_KEY) =>
  (await send({ path: `/auth/usage/keys${query}`, key })).json.keys;

async function withKeys(labels: readonly string[]) {
  const { send, dataDir } = await bootstrapped({ clock });
  const made = [];
  for (const label of labels)
    made.push((await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: { label } })).json);
  return { send, dataDir, made };
}

test('the keys with the most verifications come first, with their counts by outcome', async () => {
  const { send, dataDir, made } = await withKeys(['few', 'refused', 'many']);
  const [few, refused, many] = made;
  await insert(dataDir, 'usage_hours', [
    [NOON, 0, 'VALID', 1_000],
    [NOON, few.id, 'VALID', 2],
    [NOON, many.id, 'VALID', 3],
    [NOON - HOUR, many.id, 'VALID', 4],
    [NOON - HOUR, many.id, 'EXPIRED', 1],
    [NOON, refused.id, 'RATE_LIMITED', 5],
    [NOON, refused.id, 'INACTIVE', 1],
    // Before the last 24 hours.
    [NOON - 25 * HOUR, few.id, 'VALID', 100],
  ]);
  expect(await mostUsed(send)).toEqual([
    { id: many.id, label: 'many', hint: many.hint, valid: 7, refused: { EXPIRED: 1 } },
    {
      id: refused.id,
      label: 'refused',
      hint: refused.hint,
      valid: 0,
      refused: { RATE_LIMITED: 5, INACTIVE: 1 },
    },
    { id: few.id, label: 'few', hint: few.hint, valid: 2, refused: {} },
  ]);
  expect(await mostUsed(send, '?limit=1')).toMatchObject([{ id: many.id }]);
  const from = (NOON - 30 * HOUR) / 1_000;
  expect(await mostUsed(send, `?from=${from}&limit=1`)).toMatchObject([{ id: few.id, valid: 102 }]);
  expect(await mostUsed(send, `?from=${from}&to=${(NOON - 26 * HOUR) / 1_000}`)).toEqual([]);
});

test('of keys with the same number, the older one comes first', async () => {
  const { send, dataDir, made } = await withKeys(['one', 'two', 'three']);
  await insert(
    dataDir,
    'usage_hours',
    made.toReversed().map(({ id }): Row => [NOON, id, 'VALID', 5]),
  );
  expect((await mostUsed(send, '?limit=2')).map(({ label }: { label: string }) => label)).toEqual([
    'one',
    'two',
  ]);
});

test('a long period counts the days, and the hours that are no days yet', async () => {
  const { send, dataDir, made } = await withKeys(['old', 'new']);
  const [old, recent] = made;
  const midnight = NOON - 12 * HOUR;
  await insert(dataDir, 'usage_days', [[midnight - 20 * DAY, old.id, 'VALID', 7]]);
  await insert(dataDir, 'usage_hours', [
    [NOON - DAY, old.id, 'VALID', 1],
    [NOON, recent.id, 'VALID', 5],
  ]);
  const keys = await mostUsed(send, `?from=${(midnight - 29 * DAY) / 1_000}`);
  expect(keys).toMatchObject([
    { label: 'old', valid: 8 },
    { label: 'new', valid: 5 },
  ]);
});

test('a deleted key has neither label nor hint', async () => {
  const { send, dataDir, made } = await withKeys(['gone']);
  const [{ id }] = made;
  await insert(dataDir, 'usage_hours', [[NOON, id, 'VALID', 1]]);
  await send({ method: 'DELETE', path: `/auth/keys/${id}`, key: FIRST_KEY });
  expect(await mostUsed(send)).toEqual([{ id, label: null, hint: null, valid: 1, refused: {} }]);
});

test('a member gets the keys of their account alone', async () => {
  const it = await peopled();
  const ids = { one: await it.add('one@example.com'), other: await it.add('other@example.com') };
  for (const id of Object.values(ids))
    await it.admin('PATCH', `/auth/accounts/${id}`, { scopes: ['usage:read', 'keys:*'] });
  const one = await it.signIn({ ...ADMIN, email: 'one@example.com' });
  const other = await it.signIn({ ...ADMIN, email: 'other@example.com' });
  const keys = {
    own: (await one('POST', '/auth/keys', { scopes: ['usage:read'] })).json,
    gone: (await one('POST', '/auth/keys', {})).json,
    foreign: (await other('POST', '/auth/keys', {})).json,
  };
  const now = Math.floor(it.clock.now() / HOUR) * HOUR;
  await insert(
    it.dataDir,
    'usage_hours',
    Object.values(keys).map(({ id }, index): Row => [now, id, 'VALID', index + 1]),
  );
  await one('DELETE', `/auth/keys/${keys.gone.id}`);
  const idsOf = (answer: { json: { keys: { id: number }[] } }) => answer.json.keys.map(({ id }) => id);
  expect(idsOf(await one('GET', '/auth/usage/keys'))).toEqual([keys.own.id]);
  expect(idsOf(await it.send({ path: '/auth/usage/keys', key: keys.own.raw_key }))).toEqual([keys.own.id]);
  expect(idsOf(await it.admin('GET', '/auth/usage/keys'))).toEqual([
    keys.foreign.id,
    keys.gone.id,
    keys.own.id,
  ]);
});

test.each([
  ['limit=0', 'limit'],
  ['limit=101', 'limit'],
  ['limit=ten', 'limit'],
  ['limit=1&limit=2', 'limit'],
  ['bucket=day', 'bucket'],
  ['from=yesterday', 'from'],
  ['from=2026-01-10T00:00:00Z&to=2026-01-10T00:00:00Z', 'from'],
])('the query %s is a 400', async (query, path) => {
  const { send } = await bootstrapped({ clock });
  const answer = await send({ path: `/auth/usage/keys?${query}`, key: FIRST_KEY });
  expect(answer).toMatchObject({ status: 400, json: { errors: [{ path }] } });
});

test('keys are verified while it reads the counts of many keys, as fast as before', async () => {
  const { send, dataDir } = await bootstrapped({ clock });
  await sqlIn(
    dataDir,
    `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 300000)
     insert into usage_hours (start, key_id, outcome, count) select ${NOON}, n, 'VALID', n from numbers`,
  );
  const verify = async () => {
    const start = performance.now();
    expect((await send({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(200);
    return performance.now() - start;
  };
  // The thread, or the connection, exists from then on.
  await mostUsed(send, `?to=${(NOON - 2 * DAY) / 1_000}`);
  await verify();

  let isReading = true;
  const start = performance.now();
  const reading = mostUsed(send, '?limit=1').then((keys) => {
    isReading = false;
    return { keys, duration: performance.now() - start };
  });
  const durations: number[] = [];
  while (isReading) durations.push(await verify());
  const { keys, duration } = await reading;
  expect(keys).toMatchObject([{ id: 300_000 }]);
  expect(durations.length).toBeGreaterThan(20);
  expect(Math.max(...durations)).toBeLessThan(duration / 3);
});
