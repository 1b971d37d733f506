import { expect, test } from 'vitest';
import { bootstrapped, FIRST_KEY, sqlIn } from '../support/keyhearth.ts';

/** The slowest text to search: each position of a label is tried with the whole part. */
const LABEL = 'a'.repeat(200);
const PART = `${'a'.repeat(100)}b`;
const KEYS = 20_000;

const rowsOf = (count: number) => `
  with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count})
  insert into api_keys (label, owner, hint, hash, is_active, created_at)
  select '${LABEL}', '${LABEL}', 'hint', 'hash', 1, n from numbers`;

test('keys are verified while a search reads all keys, as fast as before', async () => {
  const { send, dataDir } = await bootstrapped();
  await sqlIn(dataDir, rowsOf(KEYS));
  const verify = async () => {
    const start = performance.now();
    expect((await send({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(200);
    return performance.now() - start;
  };
  // The thread, or the connection, exists from then on.
  await send({ path: '/auth/keys?label=none&owner=none', key: FIRST_KEY });
  await verify();

  let isSearching = true;
  const start = performance.now();
  const searching = send({ path: `/auth/keys?label=${PART}`, key: FIRST_KEY }).then((answer) => {
    isSearching = false;
    return { answer, duration: performance.now() - start };
  });
  const durations: number[] = [];
  while (isSearching) durations.push(await verify());
  const { answer, duration } = await searching;

  expect(answer.json.keys).toEqual([]);
  expect(durations.length).toBeGreaterThan(20);
  expect(Math.max(...durations)).toBeLessThan(duration / 3);
});

test('a client with many searches does not take the place of another one', async () => {
  const { send, dataDir } = await bootstrapped();
  await sqlIn(dataDir, rowsOf(2_000));
  const { json } = await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY });
  const path = `/auth/keys?label=${PART}`;
  const many = Array.from({ length: 60 }, () => send({ path, key: FIRST_KEY }));
  // The first one that is refused is answered while all places are taken.
  await Promise.any(many.map(async (answer) => expect((await answer).status).toBe(503)));
  expect((await send({ path, key: json.raw_key })).status).toBe(200);
  await Promise.all(many);
});

test('of many searches at once, those that would wait too long are refused, and the others are answered', async () => {
  const { send, dataDir } = await bootstrapped();
  await sqlIn(dataDir, rowsOf(2_000));
  const search = () => send({ path: `/auth/keys?label=${PART}`, key: FIRST_KEY });
  const statuses = (await Promise.all(Array.from({ length: 60 }, search))).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200, 503]));
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(10);
  const { status, json } = await search();
  expect([status, json.keys]).toEqual([200, []]);
});
