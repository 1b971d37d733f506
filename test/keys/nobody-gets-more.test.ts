import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exceeds, type Holdings, isManaging } from '../../src/keys/permission.ts';
import { toApiKey } from '../../src/keys/row.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { FIRST_KEY, type Running, register, sqlIn, startService } from '../support/keyhearth.ts';
import { CHEAP, operator } from '../support/keys.ts';
import { LONG } from '../support/long.ts';

/**
 * Random sequences of changes by keys that may themselves be the result of earlier ones, over the real service. After each
 * step, the database is compared with what it was before.
 */

const time = fakeClock();
let keyhearth: Running;
beforeAll(async () => {
  const env = { KEYHEARTH_LOCKOUT_ATTEMPTS: '0', KEYHEARTH_LOG_LEVEL: 'error' };
  keyhearth = await startService({ clock: time.clock, config: CHEAP, env });
  await register(keyhearth.send);
});
afterAll(() => keyhearth.close());

const { call } = operator((sent) => keyhearth.send(sent));

const settings = fc.record(
  {
    scopes: fc.oneof(
      { weight: 1, arbitrary: fc.constant(['*']) },
      {
        weight: 3,
        arbitrary: fc.subarray(['keys:write', 'keys:*', 'a:*', 'a:b', 'a:b:*', 'b']),
      },
    ),
    expires_in: fc.constantFrom('30s', '1h', '1d'),
    allowed_ips: fc.constantFrom([], ['127.0.0.0/8'], ['127.0.0.1'], ['127.0.0.1', '::1'], ['10.0.0.0/8']),
    rate_limits: fc.constantFrom<object[]>(
      [],
      [{ name: 'a', limit: 5, window: '1m' }],
      [{ name: 'a', limit: 2, window: '1h' }],
    ),
    max_concurrent: fc.constantFrom(null, 2, 5),
    force: fc.constant(true),
  },
  { requiredKeys: [] },
);
const forever = fc.constant({ expires_at: null });

const who = fc.nat();
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('create' as const), by: who, of: who, with: settings }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('patch' as const),
      by: who,
      of: who,
      with: fc.oneof({ weight: 4, arbitrary: settings }, { weight: 1, arbitrary: forever }),
    }),
  },
  ...(['rotate', 'self-rotate', 'activate', 'deactivate', 'delete', 'self-delete', 'wait'] as const).map(
    (name) => ({
      weight: name.endsWith('delete') ? 1 : 2,
      arbitrary: fc.record({
        do: fc.constant(name),
        by: who,
        of: who,
        with: fc.record({ grace: fc.constantFrom('0s', '20s', '2h') }),
      }),
    }),
  ),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

type Known = { id: number; rawKey: string };

/** Without the use counts, which are written in between. */
const stored = async (which = 'id > 0') =>
  (await sqlIn(keyhearth.dataDir, `select * from api_keys where ${which} order by id`)).map((row) =>
    toApiKey({ ...row, last_used_at: null, use_count: 0 } as never),
  );

type Stored = Awaited<ReturnType<typeof stored>>[number];

const pick = (known: readonly Known[], place: number) => known[place % known.length] as Known;

function send({ do: name, by, of, with: body }: Step, known: readonly Known[]) {
  const key = pick(known, by).rawKey;
  const { id } = pick(known, of);
  switch (name) {
    case 'create': {
      const { force: _, ...chosen } = body as { force?: boolean };
      return call('POST', '/auth/keys', chosen, key);
    }
    case 'patch':
      return call('PATCH', `/auth/keys/${id}`, body, key);
    case 'rotate':
      return call('POST', `/auth/keys/${id}/rotate`, body, key);
    case 'self-rotate':
      return call('POST', '/auth/self/rotate', body, key);
    case 'delete':
      return call('DELETE', `/auth/keys/${id}`, undefined, key);
    case 'self-delete':
      return call('DELETE', '/auth/self', undefined, key);
    case 'activate':
    case 'deactivate':
      return call('POST', `/auth/keys/${id}/${name}`, undefined, key);
    case 'wait':
      time.pass(15);
      return undefined;
  }
}

const nothing: Holdings = {
  ...{ scopes: [], expiresAt: 0, allowedIps: [], rateLimits: [], maxConcurrent: null },
};

const isUsable = (key: Stored) =>
  key.isActive && !key.isExpired && (key.expiresAt ?? Number.POSITIVE_INFINITY) > time.clock.now();

/** Whether a key can do more than before. A key that is not usable can do nothing, whatever its settings are. */
const gained = (earlier: Stored | undefined, key: Stored): boolean =>
  isUsable(key) && exceeds(earlier && isUsable(earlier) ? earlier : nothing, key) !== undefined;

test('no sequence gives a key more than its maker held, or leaves no managing key', async () => {
  const outcomes = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      // Each sequence begins with the first key alone, which then may be lost to another managing key.
      const first = await call('POST', '/auth/keys', {}, FIRST_KEY);
      const known: Known[] = [
        { id: 1, rawKey: FIRST_KEY },
        { id: first.json.id, rawKey: first.json.raw_key },
      ];
      const ofSequence = `id = 1 or id >= ${first.json.id}`;
      const earlierKeys = await stored(`not (${ofSequence})`);
      let before = await stored(ofSequence);
      for (const each of steps) {
        // The first key stays out of it, so that the next sequence can begin. It holds no more than the second.
        const ownFirst = { ...each, by: 1 + (each.by % Math.max(1, known.length - 1)) };
        const by = pick(known, ownFirst.by);
        if (each.do !== 'create' && each.do !== 'wait' && pick(known, each.of).id === 1) continue;
        const answer = await send(ownFirst, known);
        if (answer === undefined) continue;
        outcomes.set(`${each.do} ${answer.status}`, (outcomes.get(`${each.do} ${answer.status}`) ?? 0) + 1);
        expect(answer.status, answer.text).toBeLessThan(500);
        if (answer.json?.raw_key) known.push({ id: answer.json.id, rawKey: answer.json.raw_key });
        const after = await stored(ofSequence);
        const actor = before.find(({ id }) => id === by.id);
        if (answer.status >= 400) expect(withoutMark(after)).toEqual(withoutMark(before));
        for (const key of after) {
          const earlier = before.find(({ id }) => id === key.id);
          // A key that got more, and every new key, holds no more than the actor, and is not the actor itself.
          if (!gained(earlier, key)) continue;
          expect(actor && isUsable(actor), `${each.do} by a key that is not usable`).toBe(true);
          expect(actor && exceeds(actor, key), `${each.do} of ${key.id} by ${by.id}`).toBeUndefined();
          expect(key.id, 'a key widened itself').not.toBe(actor?.id);
        }
        expect(after.some(isManaging)).toBe(true);
        before = after;
      }
      expect(withoutMark(await stored(`not (${ofSequence})`))).toEqual(withoutMark(earlierKeys));
    }),
    // The database keeps the keys of earlier runs, so a shorter sequence would not be the same one.
    { numRuns: LONG ? 400 : 40, endOnFailure: true },
  );
  // The sequences reach both sides of the rules.
  for (const name of ['create 201', 'create 403', 'patch 200', 'patch 403', 'rotate 201', 'self-rotate 201'])
    expect(outcomes.get(name), name).toBeGreaterThan(0);
}, 600_000);

/** The service marks expired keys once a minute, whatever the test does. */
const withoutMark = (keys: Stored[]) => keys.map(({ isExpired: _, ...key }) => key);

const narrow = { expires_in: '1d', allowed_ips: ['127.0.0.0/8'], scopes: ['keys:write'] };
test('of several managing keys that lose it at the same time, one stays', async () => {
  const made = await Promise.all(Array.from({ length: 8 }, () => call('POST', '/auth/keys', {}, FIRST_KEY)));
  const keys: Known[] = made.map(({ json }) => ({ id: json.id, rawKey: json.raw_key }));
  const others = (await stored()).filter(({ id }) => !keys.some((key) => key.id === id)).map(({ id }) => id);
  await sqlIn(keyhearth.dataDir, `update api_keys set is_active = 0 where id in (${others.join(', ')})`);
  const ways = [
    (key: Known) => call('DELETE', '/auth/self', undefined, key.rawKey),
    (key: Known) => call('POST', `/auth/keys/${key.id}/deactivate`, undefined, key.rawKey),
    ...Object.entries(narrow).map(
      ([name, value]) =>
        (key: Known) =>
          call('PATCH', `/auth/keys/${key.id}`, { [name]: value }, key.rawKey),
    ),
  ];
  const answers = await Promise.all(keys.map((key, i) => ways[i % ways.length]?.(key)));
  expect(answers.filter((answer) => (answer?.status ?? 500) < 300)).toHaveLength(7);
  expect(answers.map((answer) => answer?.json?.code)).toContain('last_active_api_key_required');
  expect((await stored()).filter(isManaging)).toHaveLength(1);
});
