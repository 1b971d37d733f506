import { describe, expect, test } from 'vitest';
import { createLockout, type LockoutPolicy } from '../../src/lockout/lockout.ts';
import { allocateLockout } from '../../src/lockout/memory.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { client, type Send } from '../support/http.ts';
import { bootstrapped, FIRST_KEY } from '../support/keyhearth.ts';

const WRONG = 'a-wrong-key-0123456789-0123456789-abc';

/** The tests are a proxy, which says for whom it asks. */
const trusting = { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' };

const from = (address: string) => ({ 'X-Forwarded-For': address });

async function fail(send: Send, address: string, times = 5, key = WRONG) {
  for (let i = 0; i < times; i++) await send({ path: '/auth/verify', key, headers: from(address) });
}

const kind = 'api_key';

const lockouts = async (send: Send) => (await send({ path: '/auth/lockouts', key: FIRST_KEY })).json.lockouts;

const clear = (send: Send, address: string) =>
  send({ method: 'DELETE', path: `/auth/lockouts/${encodeURIComponent(address)}`, key: FIRST_KEY });

const statusFrom = async (send: Send, address: string) =>
  (await send({ path: '/auth/verify', key: FIRST_KEY, headers: from(address) })).status;

describe('an operator', () => {
  test('sees the locked addresses first, then those with failures', async () => {
    const { clock, pass } = fakeClock();
    const { send } = await bootstrapped({ env: trusting, clock });
    expect(await lockouts(send)).toEqual([]);
    await fail(send, '198.51.100.1', 2);
    await fail(send, '198.51.100.2');
    pass(60);
    await fail(send, '2001:db8::5');
    await fail(send, '198.51.100.3', 1);
    const listed = await lockouts(send);
    expect(listed).toEqual([
      { kind, address: '2001:db8::/64', failures: 5, locked_until: expect.any(Number) },
      { kind, address: '198.51.100.2', failures: 5, locked_until: expect.any(Number) },
      { kind, address: '198.51.100.1', failures: 2, locked_until: null },
      { kind, address: '198.51.100.3', failures: 1, locked_until: null },
    ]);
    const left = listed.map(
      ({ locked_until }: { locked_until: number }) => locked_until - clock.now() / 1_000,
    );
    expect(Math.abs(left[0] - 300)).toBeLessThan(10);
    expect(Math.abs(left[1] - 240)).toBeLessThan(10);
    pass(241);
    expect(await lockouts(send)).toMatchObject([{ address: '2001:db8::/64' }, { address: '198.51.100.3' }]);
    pass(60);
    expect(await lockouts(send)).toEqual([]);
  });

  test.each([
    ['198.51.100.7', '198.51.100.7'],
    ['198.51.100.7', '::ffff:198.51.100.7'],
    ['2001:db8::5', '2001:db8::/64'],
    ['2001:db8::5', '2001:db8::99'],
    ['2001:db8::5', '2001:DB8:0:0::1/64'],
  ])('unlocks %s by %s', async (locked, text) => {
    const { send } = await bootstrapped({ env: trusting });
    await fail(send, locked);
    await fail(send, '198.51.100.99');
    expect(await statusFrom(send, locked)).toBe(429);
    expect((await clear(send, text)).status).toBe(204);
    expect(await statusFrom(send, locked)).toBe(200);
    expect(await statusFrom(send, '198.51.100.99')).toBe(429);
    expect(await lockouts(send)).toMatchObject([{ address: '198.51.100.99' }]);
    expect((await clear(send, text)).status).toBe(204);
  });

  test('unlocks what is listed, and is recorded', async () => {
    const { send } = await bootstrapped({ env: trusting });
    await fail(send, '2001:db8:1:2:3:4:5:6');
    const [{ address, locked_until }] = await lockouts(send);
    await clear(send, address);
    const { json } = await send({ path: '/auth/audit?action=lockout.cleared', key: FIRST_KEY });
    expect(json.events).toMatchObject([
      {
        actor: { kind: 'key', id: 1 },
        key_id: null,
        changes: {
          kind: { from: kind, to: null },
          address: { from: '2001:db8:1:2::/64', to: null },
          failures: { from: 5, to: null },
          locked_until: { from: expect.closeTo(locked_until, 0), to: null },
        },
      },
    ]);
  });

  test('is not recorded where there is nothing to end', async () => {
    const { send } = await bootstrapped({ env: trusting });
    await fail(send, '198.51.100.7', 1);
    for (const address of ['198.51.100.8', '198.51.100.7', '198.51.100.7'])
      expect((await clear(send, address)).status).toBe(204);
    const { json } = await send({ path: '/auth/audit?action=lockout.cleared', key: FIRST_KEY });
    expect(json.events).toHaveLength(1);
  });

  test('forgets failures that have not locked yet', async () => {
    const { send } = await bootstrapped({ env: trusting });
    await fail(send, '198.51.100.7', 4);
    await clear(send, '198.51.100.7');
    await fail(send, '198.51.100.7', 4);
    expect(await statusFrom(send, '198.51.100.7')).toBe(200);
  });

  test.each([
    'localhost',
    '1.2.3',
    '1.2.3.4/24',
    '2001:db8::/48',
    '2001:db8::/65',
    'fe80::1%eth0',
    ' ',
    '1.2.3.4:80',
  ])('gets a 400 for %j', async (text) => {
    const { send } = await bootstrapped();
    const answer = await clear(send, text);
    expect(answer).toMatchObject({ status: 400, json: { errors: [{ path: 'address' }] } });
  });

  test('needs the scope lockouts:write', async () => {
    const { send } = await bootstrapped({ env: trusting });
    const make = async (scopes: string[]) =>
      (await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: { scopes } })).json.raw_key;
    const [without, operator] = [await make(['keys:write', 'audit:read']), await make(['lockouts:write'])];
    const path = '/auth/lockouts/198.51.100.7';
    expect((await send({ path: '/auth/lockouts', key: without })).status).toBe(403);
    expect((await send({ method: 'DELETE', path, key: without })).status).toBe(403);
    expect((await send({ path: '/auth/lockouts', key: operator })).status).toBe(200);
    expect((await send({ method: 'DELETE', path, key: operator })).status).toBe(204);
  });

  test('who is locked out cannot unlock from there', async () => {
    const { origin, send } = await bootstrapped();
    await fail(send, '');
    expect((await clear(send, '127.0.0.1')).status).toBe(429);
    expect((await clear(client(origin, '127.0.0.2'), '127.0.0.1')).status).toBe(204);
    expect((await send({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(200);
  });

  test('unlocks where the same key counts once', async () => {
    const { send } = await bootstrapped({ env: { ...trusting, KEYHEARTH_LOCKOUT_BY: 'address+key' } });
    await fail(send, '198.51.100.7', 9);
    expect(await lockouts(send)).toEqual([
      { kind, address: '198.51.100.7', failures: 1, locked_until: null },
    ]);
    for (let i = 0; i < 5; i++) await fail(send, '198.51.100.7', 1, `${WRONG}-${i}`);
    expect(await statusFrom(send, '198.51.100.7')).toBe(429);
    await clear(send, '198.51.100.7');
    expect(await statusFrom(send, '198.51.100.7')).toBe(200);
  });

  test('without a lockout there is nothing to see and nothing to do', async () => {
    const { send } = await bootstrapped({ env: { ...trusting, KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } });
    await fail(send, '198.51.100.7');
    expect(await lockouts(send)).toEqual([]);
    expect((await clear(send, '198.51.100.7')).status).toBe(204);
  });
});

describe('the table', () => {
  const policy: LockoutPolicy = { attempts: 2, seconds: 300, by: 'address' };

  test('lists a thousand of many addresses, the locked ones among them, and others have a turn meanwhile', async () => {
    const { clock } = fakeClock();
    const lockout = createLockout(policy, clock, allocateLockout(policy, 20_000));
    const fail = (address: string) => lockout.record({ address, credential: 'a guess' }, 'invalid');
    for (let i = 0; i < 10_000; i++) fail(`10.0.${i >> 8}.${i & 255}`);
    for (let i = 0; i < 10; i++) fail(`10.0.9.${i}`);
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    const listed = await lockout.list(1_000);
    clearInterval(counting);
    expect(listed).toHaveLength(1_000);
    expect(
      listed
        .slice(0, 10)
        .map(({ address }) => address)
        .sort(),
    ).toEqual(Array.from({ length: 10 }, (_, i) => `10.0.9.${i}`));
    expect(listed.slice(0, 10).every(({ lockedUntil }) => lockedUntil !== null)).toBe(true);
    expect(listed[10]).toMatchObject({ failures: 1, lockedUntil: null });
    expect(turns).toBeGreaterThan(0);
  });

  test('a lock and its end reach the lockouts of other processes', async () => {
    const { clock } = fakeClock();
    const receivers: ((message: string) => void)[] = [];
    const sent: string[] = [];
    const notifier = (self: number) => ({
      notify(message: string) {
        sent.push(message);
        for (const [other, receive] of receivers.entries()) if (other !== self) receive(message);
      },
      subscribe: (receive: (message: string) => void) => void receivers.push(receive),
    });
    const locks: unknown[] = [];
    const [one, two] = [0, 1].map((self) =>
      createLockout(policy, clock, allocateLockout(policy, 100), notifier(self), (entry) =>
        locks.push(entry),
      ),
    );
    for (let i = 0; i < 2; i++)
      one?.record({ address: '2001:db8:0:0::/64', credential: 'a guess' }, 'invalid');
    expect(two?.retryAfter('2001:db8:0:0::/64')).toBe(300);
    expect(locks).toEqual([{ address: '2001:db8:0:0::/64', failures: 2, lockedUntil: expect.any(Number) }]);
    two?.clear('2001:db8:0:0::/64');
    expect(one?.retryAfter('2001:db8:0:0::/64')).toBe(0);
    expect(one?.remaining('2001:db8:0:0::/64')).toBe(2);
    expect(sent).toEqual(['locked 300 2001:db8:0:0::/64', 'cleared 2001:db8:0:0::/64']);
  });
});
