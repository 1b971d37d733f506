import { describe, expect, test } from 'vitest';
import { fakeClock } from '../support/fake-clock.ts';
import { type Answer, client, type Send } from '../support/http.ts';
import {
  bootstrapped,
  databaseFor,
  FIRST_KEY,
  type Options,
  register,
  sqlIn,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

const BURST = { name: 'burst', limit: 5, window: '1m' };
const SECOND = { name: 'second', limit: 9, window: '1s' };
const DAY = { name: 'day', limit: 8, window: '1d' };

async function create(send: Send, rate_limits: object[], more: object = {}) {
  const { json, status } = await send({
    method: 'POST',
    path: '/auth/keys',
    key: FIRST_KEY,
    body: { rate_limits, ...more },
  });
  expect(status).toBe(201);
  return json;
}

const verify = (send: Send, key: string, query = '') => send({ path: `/auth/verify${query}`, key });

const ask = async (send: Send, body: object) =>
  (await send({ method: 'POST', path: '/auth/verify', key: FIRST_KEY, body })).json;

const change = async (send: Send, id: number, body: object) => {
  const answer = await send({ method: 'PATCH', path: `/auth/keys/${id}`, key: FIRST_KEY, body });
  expect(answer.status).toBe(200);
};

const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status);

async function inTurn(count: number, request: () => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < count; i++) answers.push(await request());
  return answers;
}

const isOnPostgres = async (dataDir: string) => (await databaseFor(dataDir)).DATABASE_URL !== undefined;

/** A service whose windows grow old when the test says so, by the clock or in the database. */
async function timed(options: Options = {}) {
  const { clock, pass } = fakeClock();
  const running = await bootstrapped({ clock, ...options });
  const aged = (seconds: number) => `
    update rate_limit_counters set ends_at = ends_at - ${seconds * 1_000}, windows = (
      select jsonb_object_agg(key, jsonb_build_object('used', value -> 'used',
        'opened_at', (value ->> 'opened_at')::bigint - ${seconds * 1_000},
        'ends_at', (value ->> 'ends_at')::bigint - ${seconds * 1_000})) from jsonb_each(windows))`;
  return {
    ...running,
    async pass(seconds: number) {
      pass(seconds);
      // With PostgreSQL, the clock is that of the server.
      if (await isOnPostgres(running.dataDir)) await sqlIn(running.dataDir, aged(seconds));
    },
  };
}

test('exactly as many verifications pass as the limit says, and again when the window has ended', async () => {
  const { send, pass } = await timed();
  const { raw_key } = await create(send, [BURST]);
  for (let window = 0; window < 3; window++) {
    const answers = await inTurn(7, () => verify(send, raw_key));
    expect(statuses(answers)).toEqual([200, 200, 200, 200, 200, 429, 429]);
    await pass(61);
  }
});

test('a 200 and a 429 say what is left', async () => {
  const { send } = await timed();
  const { raw_key } = await create(send, [{ ...BURST, limit: 1 }, DAY]);
  const passed = await verify(send, raw_key);
  expect(passed.headers).toMatchObject({
    ratelimit: '"burst";r=0;t=60, "day";r=7;t=86400',
    'ratelimit-policy': '"burst";q=1;w=60, "day";q=8;w=86400',
  });
  expect(passed.headers).not.toHaveProperty('retry-after');
  const refused = await verify(send, raw_key);
  expect(refused.status).toBe(429);
  expect(refused.json).toMatchObject({ status: 429, code: 'rate_limited' });
  expect(refused.json.detail).toContain('burst (1 in 1m)');
  expect(refused.headers).toMatchObject({
    'retry-after': '60',
    ratelimit: '"burst";r=0;t=60, "day";r=7;t=86400',
    'ratelimit-policy': '"burst";q=1;w=60, "day";q=8;w=86400',
  });
  const forNginx = await verify(send, raw_key, '?deny=403');
  expect(forNginx.status).toBe(403);
  expect(forNginx.json).toMatchObject({ status: 403, code: 'rate_limited' });
  expect(forNginx.headers).toMatchObject({ 'retry-after': '60', ratelimit: refused.headers.ratelimit });
  expect((await verify(send, FIRST_KEY)).headers).not.toHaveProperty('ratelimit');
});

test('a refused request takes nothing from any window', async () => {
  const { send, pass } = await timed();
  const { raw_key } = await create(send, [BURST, DAY]);
  expect(
    statuses(await inTurn(20, () => verify(send, raw_key))).filter((status) => status === 200),
  ).toHaveLength(5);
  await pass(61);
  const answers = await inTurn(6, () => verify(send, raw_key));
  expect(statuses(answers)).toEqual([200, 200, 200, 429, 429, 429]);
  expect(answers.at(-1)?.headers.ratelimit).toMatch(/^"burst";r=2;t=(60|59), "day";r=0;t=863\d\d$/);
  expect(Number(answers.at(-1)?.headers['retry-after'])).toBeGreaterThan(86_000);
});

test('the fast path and the framework give the same answers, and count together', async () => {
  const { send } = await timed();
  const { raw_key } = await create(send, [{ ...BURST, limit: 2 }, DAY]);
  const answers = [];
  for (const query of ['', '?x=1', '', '?x=1'])
    answers.push(await verify(send, raw_key, query), await verify(send, raw_key, `${query || '?'}&deny=403`));
  const comparable = ({
    headers: { 'x-request-id': _, date: __, 'content-length': ___, ...headers },
    text,
  }: Answer) => ({
    headers,
    text,
  });
  expect(statuses(answers)).toEqual([200, 200, 429, 403, 429, 403, 429, 403]);
  expect(comparable(answers[2] as Answer)).toEqual(comparable(answers[4] as Answer));
  expect(comparable(answers[3] as Answer)).toEqual(comparable(answers[5] as Answer));
});

test('a missing scope is told first, and takes nothing', async () => {
  const { send } = await timed();
  const { raw_key } = await create(send, [{ ...BURST, limit: 1 }], { scopes: ['a'] });
  for (let i = 0; i < 3; i++)
    expect((await verify(send, raw_key, '?scope=b')).json.code).toBe('insufficient_scope');
  expect((await verify(send, raw_key, '?scope=a')).status).toBe(200);
  expect((await verify(send, raw_key, '?scope=b')).json.code).toBe('insufficient_scope');
  expect((await verify(send, raw_key, '?scope=a')).json.code).toBe('rate_limited');
  expect((await ask(send, { key: raw_key, scope: ['b'] })).code).toBe('INSUFFICIENT_SCOPE');
});

test('management calls do not count', async () => {
  const { send } = await timed();
  const { raw_key } = await create(send, [{ ...BURST, limit: 1 }]);
  for (let i = 0; i < 3; i++) expect((await send({ path: '/auth/keys', key: raw_key })).status).toBe(200);
  expect((await verify(send, raw_key)).status).toBe(200);
  expect((await send({ path: '/auth/self', key: raw_key })).status).toBe(200);
});

describe('POST /auth/verify', () => {
  test('has the same windows, and says what is left', async () => {
    const { send } = await timed();
    const { raw_key, id } = await create(send, [{ ...BURST, limit: 2 }]);
    await verify(send, raw_key);
    const limit = { name: 'burst', limit: 2, window: '1m', remaining: 0, resets_in: 60 };
    expect(await ask(send, { key: raw_key })).toMatchObject({ valid: true, code: 'VALID', limits: [limit] });
    const refused = { valid: false, code: 'RATE_LIMITED', key: { id }, retry_after: 60, limits: [limit] };
    expect(await ask(send, { key: raw_key })).toMatchObject(refused);
    expect((await verify(send, raw_key)).status).toBe(429);
    expect(await ask(send, { key: FIRST_KEY })).not.toHaveProperty('limits');
  });

  test('takes the cost from every limit, for each key of a call', async () => {
    const { send } = await timed();
    const { raw_key } = await create(send, [
      { ...BURST, limit: 10 },
      { ...DAY, limit: 100 },
    ]);
    const { results } = await ask(send, { keys: [raw_key, raw_key, raw_key], cost: 4 });
    expect(results.map(({ code }: { code: string }) => code)).toEqual(['VALID', 'VALID', 'RATE_LIMITED']);
    expect(results[2].limits.map(({ remaining }: { remaining: number }) => remaining)).toEqual([2, 92]);
    expect((await ask(send, { key: raw_key, cost: 2 })).code).toBe('VALID');
    expect((await ask(send, { key: raw_key, cost: 1 })).code).toBe('RATE_LIMITED');
    for (const cost of [11, 1_000])
      expect(await ask(send, { key: raw_key, cost })).toMatchObject({
        code: 'RATE_LIMITED',
        retry_after: null,
      });
  });

  test('with the cost 0 it only asks: it opens no window, and passes', async () => {
    const { send } = await timed();
    const { raw_key } = await create(send, [{ ...BURST, limit: 1 }]);
    const untouched = { code: 'VALID', limits: [{ remaining: 1, resets_in: 0 }] };
    expect(await ask(send, { key: raw_key, cost: 0 })).toMatchObject(untouched);
    expect(await ask(send, { key: raw_key, cost: 0 })).toMatchObject(untouched);
    await verify(send, raw_key);
    expect(await ask(send, { key: raw_key, cost: 0 })).toMatchObject({
      code: 'VALID',
      limits: [{ remaining: 0 }],
    });
  });

  test.each([-1, 1_001, 1.5, '1', null])('the cost %j is refused', async (cost) => {
    const { send } = await timed();
    const answer = await ask(send, { key: FIRST_KEY, cost });
    expect(answer).toMatchObject({ status: 400, detail: 'cost must be a whole number from 0 to 1000.' });
  });
});

test('the keys of a chain of rotations share their windows', async () => {
  const { send } = await timed();
  const { raw_key } = await create(send, [{ ...BURST, limit: 3 }]);
  await verify(send, raw_key);
  const body = { grace: '1h' };
  const first = (await send({ method: 'POST', path: '/auth/self/rotate', key: raw_key, body })).json;
  await verify(send, first.raw_key);
  const second = (await send({ method: 'POST', path: '/auth/self/rotate', key: first.raw_key, body })).json;
  expect((await verify(send, second.raw_key)).status).toBe(200);
  for (const key of [raw_key, first.raw_key, second.raw_key])
    expect((await verify(send, key)).status).toBe(429);
});

test('a changed limit keeps the open window of the same name', async () => {
  const { send, pass } = await timed();
  const { raw_key, id } = await create(send, [BURST]);
  await inTurn(4, () => verify(send, raw_key));
  await change(send, id, { rate_limits: [{ ...BURST, limit: 6 }] });
  expect(statuses(await inTurn(3, () => verify(send, raw_key)))).toEqual([200, 200, 429]);
  await change(send, id, { rate_limits: [{ ...BURST, limit: 2 }] });
  expect((await verify(send, raw_key)).headers.ratelimit).toMatch(/^"burst";r=0;t=/);
  await pass(30);
  await change(send, id, { rate_limits: [{ ...BURST, limit: 7, window: '2m' }] });
  const longer = await verify(send, raw_key);
  expect(longer.headers.ratelimit).toMatch(/^"burst";r=0;t=(90|89)$/);
  await change(send, id, { rate_limits: [{ ...BURST, window: '20s' }] });
  expect((await verify(send, raw_key)).headers.ratelimit).toBe('"burst";r=4;t=20');
  await change(send, id, { rate_limits: [] });
  expect((await verify(send, raw_key)).headers).not.toHaveProperty('ratelimit');
});

test(`of 200 parallel requests, exactly as many pass as the limit says, in ${LONG ? 20 : 3} windows`, async () => {
  const { send, origin, pass } = await timed();
  const others = Array.from({ length: 4 }, () => client(origin));
  const { raw_key } = await create(send, [
    { ...BURST, limit: 37 },
    { ...DAY, limit: 100_000 },
  ]);
  for (let window = 0; window < (LONG ? 20 : 3); window++) {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => verify(others[i % 4] ?? send, raw_key)),
    );
    expect(statuses(answers).filter((status) => status === 200)).toHaveLength(37);
    expect(statuses(answers).filter((status) => status === 429)).toHaveLength(163);
    await pass(61);
  }
  const { limits } = await ask(send, { key: raw_key, cost: 0 });
  expect(limits[1].remaining).toBe(100_000 - 37 * (LONG ? 20 : 3));
});

test.each([0, -400 * 86_400])(
  'windows of an hour or more survive a restart, with a clock that is %d seconds ahead',
  async (seconds) => {
    const dataDir = temporaryDirectory();
    const first = await startService({ dataDir, clock: fakeClock().clock });
    await register(first.send);
    const { raw_key } = await create(first.send, [{ ...BURST, limit: 9, window: '1h' }, DAY, SECOND]);
    await inTurn(3, () => verify(first.send, raw_key));
    await first.close();
    const { clock, setBy, pass } = fakeClock();
    setBy(seconds);
    const second = await startService({ dataDir, clock });
    const { headers } = await verify(second.send, raw_key);
    expect(headers.ratelimit).toMatch(
      /^"burst";r=5;t=3(600|59\d), "day";r=4;t=86(400|39\d), "second";r=\d;t=1$/,
    );
    pass(2 * 86_400);
    if (!(await isOnPostgres(dataDir)))
      expect((await verify(second.send, raw_key)).headers.ratelimit).toMatch(
        /^"burst";r=8;t=3600, "day";r=7;/,
      );
    await second.close();
  },
);
