import { describe, expect, test } from 'vitest';
import { allocateSignIns, createSignInLimits } from '../../src/accounts/sign-in-limits.ts';
import { DomainError } from '../../src/lib/failure.ts';
import { wrongCodeAt } from '../support/codes.ts';
import { fakeClock } from '../support/fake-clock.ts';
import type { Answer, Send } from '../support/http.ts';
import { LONG } from '../support/long.ts';
import { ADMIN, peopled, setUpTwoFactor } from '../support/people.ts';

const QUARTER_S = 15 * 60;
const ADDRESSES = LONG ? 1_000 : 200;
const WRONG = 'not the password of it';

/** The tests are a proxy, which says for whom it asks. */
const trusting = { env: { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' } };

const login = (send: Send, body: object, address = '198.51.100.1') =>
  send({ method: 'POST', path: '/auth/login', headers: { 'X-Forwarded-For': address }, body });

const wrong = (send: Send, email = ADMIN.email, address?: string) =>
  login(send, { email, password: WRONG }, address);

const statusesOf = (answers: Answer[]) => answers.map(({ status }) => status);

async function times(count: number, work: (i: number) => Promise<Answer>): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) statuses.push((await work(i)).status);
  return statuses;
}

const addressOf = (i: number) => `10.1.${i >> 8}.${i & 255}`;

const locked = {
  status: 429,
  headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
  json: {
    code: 'too_many_sign_in_attempts',
    detail: 'Too many failed attempts. Try again in 15 minutes.',
  },
};

describe('an e-mail address', () => {
  test.each([ADMIN.email, 'nobody@example.com'])(
    'is locked for 15 minutes after five failures, from wherever: %s',
    async (email) => {
      const { send, pass } = await peopled(trusting);
      const statuses = await times(6, (i) => wrong(send, email, addressOf(i)));
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
      expect(await login(send, { ...ADMIN, email }, addressOf(9))).toMatchObject(locked);
      pass(QUARTER_S - 1);
      expect(await wrong(send, email.toUpperCase(), addressOf(9))).toMatchObject({
        status: 429,
        headers: { 'retry-after': '1' },
      });
      pass(1);
      expect(await login(send, { ...ADMIN, email }, addressOf(9))).toMatchObject({
        status: email === ADMIN.email ? 200 : 401,
      });
    },
  );

  test('counts the failures of the last 15 minutes, and a sign-in clears them', async () => {
    const { send, pass } = await peopled(trusting);
    await times(4, () => wrong(send));
    expect(await login(send, ADMIN)).toMatchObject({ status: 200 });
    await times(4, () => wrong(send));
    pass(QUARTER_S);
    expect(await times(4, () => wrong(send))).toEqual([401, 401, 401, 401]);
    expect(await login(send, ADMIN)).toMatchObject({ status: 200 });
  });

  test('keeps others out of nothing: not from the same address, and not with a key', async () => {
    const { send, add, call } = await peopled(trusting);
    await add('other@example.com');
    await times(6, () => wrong(send));
    expect(await login(send, { ...ADMIN, email: 'other@example.com' })).toMatchObject({ status: 200 });
    expect(await call('GET', '/auth/verify')).toMatchObject({ status: 200 });
  });

  test('of 100 wrong passwords at once, five are evaluated', async () => {
    const { send } = await peopled(trusting);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => wrong(send, ADMIN.email, addressOf(i))),
    );
    expect(statusesOf(answers).filter((status) => status === 401)).toHaveLength(5);
    expect(statusesOf(answers).filter((status) => status === 429)).toHaveLength(95);
    expect(await login(send, ADMIN, addressOf(101))).toMatchObject(locked);
  });
});

describe('a client address', () => {
  test('is locked for 15 minutes after 20 failures, for whatever e-mail address', async () => {
    const { send, pass } = await peopled(trusting);
    const statuses = await times(21, (i) => wrong(send, `user-${i}@example.com`));
    expect(statuses).toEqual([...new Array(20).fill(401), 429]);
    expect(await login(send, ADMIN)).toMatchObject(locked);
    expect(await login(send, ADMIN, '198.51.100.2')).toMatchObject({ status: 200 });
    pass(QUARTER_S);
    expect(await login(send, ADMIN)).toMatchObject({ status: 200 });
  });

  test('keeps its failures when it signs in to an account of its own', async () => {
    const { send } = await peopled(trusting);
    const statuses = await times(24, (i) =>
      i % 4 === 3 ? login(send, ADMIN) : wrong(send, `user-${i}@example.com`),
    );
    expect(statuses.filter((status) => status === 401)).toHaveLength(18);
    expect(await times(3, (i) => wrong(send, `more-${i}@example.com`))).toEqual([401, 401, 429]);
  });

  test('of 100 wrong passwords at once for as many e-mail addresses, 20 are evaluated', async () => {
    const { send } = await peopled(trusting);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => wrong(send, `user-${i}@example.com`)),
    );
    expect(statusesOf(answers).filter((status) => status === 401)).toHaveLength(20);
    expect(statusesOf(answers).filter((status) => status === 429)).toHaveLength(80);
  });

  test('counts apart from invalid keys', async () => {
    const { send, call, rawKey } = await peopled(trusting);
    await times(21, (i) => wrong(send, `user-${i}@example.com`));
    const from = { 'X-Forwarded-For': '198.51.100.1' };
    expect(await send({ path: '/auth/verify', key: rawKey, headers: from })).toMatchObject({ status: 200 });
    expect((await call('GET', '/auth/lockouts')).json.lockouts).toMatchObject([
      { kind: 'sign_in_address', address: '198.51.100.1' },
      ...Array.from({ length: 20 }, () => ({ kind: 'sign_in_email', failures: 1 })),
    ]);
  });
});

describe(`ten wrong codes from each of ${ADDRESSES} addresses`, () => {
  test('let nobody in, lock the account, and keep the addresses open for others', async () => {
    const { send, admin, clock, pass, add, call } = await peopled(trusting);
    await add('other@example.com');
    const { secret } = await setUpTwoFactor(admin, clock);
    const found = new Map<number, number>();
    for (let round = 0; round < 10; round++) {
      const code = wrongCodeAt(secret, clock.now());
      const guess = (i: number) => login(send, { ...ADMIN, code }, addressOf(i));
      for (let first = 0; first < ADDRESSES; first += 100) {
        const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => guess(first + i)));
        for (const { status } of answers) found.set(status, (found.get(status) ?? 0) + 1);
      }
      expect((await call('GET', '/auth/lockouts')).json.lockouts[0]).toMatchObject({
        kind: 'sign_in_email',
        address: ADMIN.email,
        failures: 5,
      });
      for (const i of [0, ADDRESSES / 2, ADDRESSES - 1])
        expect(await login(send, { ...ADMIN, email: 'other@example.com' }, addressOf(i))).toMatchObject({
          status: 200,
        });
      pass(QUARTER_S);
    }
    expect(Object.fromEntries(found)).toEqual({ 401: 50, 429: 10 * ADDRESSES - 50 });
  });
});

describe('an operator', () => {
  test('sees the locks by name, and ends them', async () => {
    const { send, call } = await peopled(trusting);
    const long = `${'a'.repeat(60)}@${`${'b'.repeat(60)}.`.repeat(3)}example`;
    expect(long.length).toBeGreaterThan(245);
    await times(5, (i) => wrong(send, ADMIN.email, addressOf(i)));
    await times(2, (i) => wrong(send, long, addressOf(i)));
    const { json } = await call('GET', '/auth/lockouts');
    expect(json.lockouts.filter(({ kind }: { kind: string }) => kind === 'sign_in_email')).toEqual([
      { kind: 'sign_in_email', address: ADMIN.email, failures: 5, locked_until: expect.any(Number) },
      { kind: 'sign_in_email', address: long, failures: 2, locked_until: null },
    ]);
    expect(await login(send, ADMIN)).toMatchObject({ status: 429 });
    const path = `/auth/lockouts/${encodeURIComponent(ADMIN.email.toUpperCase())}`;
    expect(await call('DELETE', path)).toMatchObject({ status: 204 });
    expect(await login(send, ADMIN)).toMatchObject({ status: 200 });
    const { json: audit } = await call('GET', '/auth/audit?action=lockout.cleared');
    expect(audit.events).toMatchObject([
      { changes: { kind: { from: 'sign_in_email' }, address: { from: ADMIN.email } } },
    ]);
  });

  test('ends all lockouts of an address at once', async () => {
    const { send, call } = await peopled(trusting);
    const from = { 'X-Forwarded-For': '198.51.100.1' };
    await times(5, (i) => wrong(send, `user-${i}@example.com`));
    const key = 'a-wrong-key-0123456789-0123456789-abc';
    await send({ path: '/auth/verify', key, headers: from });
    await call('DELETE', '/auth/lockouts/198.51.100.1');
    const { json } = await call('GET', '/auth/lockouts');
    expect(new Set(json.lockouts.map(({ kind }: { kind: string }) => kind))).toEqual(
      new Set(['sign_in_email']),
    );
  });

  test('finds locks and failed sign-ins in the audit log', async () => {
    const { send, call } = await peopled(trusting);
    await times(6, () => wrong(send));
    await expect
      .poll(async () => (await call('GET', '/auth/audit?action=address.locked')).json.events)
      .toMatchObject([
        {
          address: null,
          changes: { kind: { to: 'sign_in_email' }, address: { to: ADMIN.email }, failures: { to: 5 } },
        },
      ]);
    const { json } = await call('GET', '/auth/audit?action=sign_in.failed');
    expect(json.events).toHaveLength(5);
    expect(json.events[0]).toMatchObject({
      address: '198.51.100.1',
      changes: { email: { from: null, to: ADMIN.email } },
    });
    expect(JSON.stringify(json)).not.toContain(WRONG);
  });
});

test('replicas tell each other about locks and their end, and the three lockouts do not mix', async () => {
  const { clock } = fakeClock();
  const receivers: ((message: string) => void)[] = [];
  const sent: string[] = [];
  const replica = (self: number) =>
    createSignInLimits({
      memory: allocateSignIns(),
      clock,
      notifier: {
        notify(message) {
          sent.push(message);
          for (const [i, receive] of receivers.entries()) if (Math.floor(i / 2) !== self) receive(message);
        },
        subscribe: (receive) => void receivers.push(receive),
      },
      onIncident: () => undefined,
    });
  const [one, two] = [replica(0), replica(1)];
  const fail = (limits: typeof one, email: string) =>
    limits
      .attempt({ email, address: '198.51.100.1' }, async () => ({ outcome: 'invalid', result: 'wrong' }))
      .catch((error: unknown) => (error instanceof DomainError ? error.failure : error));
  for (let i = 0; i < 5; i++) expect(await fail(one, 'ops@example.com')).toBe('wrong');
  expect(await fail(two, 'ops@example.com')).toEqual({
    code: 'too_many_sign_in_attempts',
    limit: 5,
    retryAfter: 900,
  });
  expect(await fail(two, 'other@example.com')).toBe('wrong');
  expect(two.lockouts.sign_in_address.entryOf('ops@example.com').failures).toBe(0);
  two.lockouts.sign_in_email.clear('ops@example.com');
  expect(await fail(one, 'ops@example.com')).toBe('wrong');
  expect(sent).toEqual(['sign_in_email locked 900 ops@example.com', 'sign_in_email cleared ops@example.com']);
  for (const name of ['with space', 'x'.repeat(2_000), 'é'.repeat(200)])
    expect(await fail(one, name)).toBe('wrong');
});

test.each(['no\0body@example.com', 'no\u001b[2Jbody@example.com', 'no\u202ebody@example.com'])(
  'PostgreSQL can send, and a terminal can show, the name of %j',
  async (email) => {
    const sent: string[] = [];
    const { attempt, lockouts } = createSignInLimits({
      memory: allocateSignIns(),
      clock: fakeClock().clock,
      notifier: { notify: (message) => void sent.push(message), subscribe: () => undefined },
      onIncident: () => undefined,
    });
    for (let i = 0; i < 5; i++)
      await attempt({ email, address: undefined }, async () => ({ outcome: 'invalid', result: 'wrong' }));
    const [entry] = await lockouts.sign_in_email.list(1);
    expect([entry?.address, ...sent].join(' ')).toMatch(/^[\w-]{43} sign_in_email locked 900 [\w-]{43}$/);
  },
);
