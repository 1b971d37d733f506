import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/lockout/attempt.ts';
import { allocateKnownKeys, openKnownKeys } from '../../src/lockout/known-keys.ts';
import { createLockout, type LockNotifier, type LockoutPolicy } from '../../src/lockout/lockout.ts';
import { allocateLockout } from '../../src/lockout/memory.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { bootstrapped, FIRST_KEY, service } from '../support/keyhearth.ts';

/** KEYHEARTH_LOCKOUT_BY=address+key: a stale key on a shared address must not lock out the valid ones. */

const STALE = 'a-stale-key-0123456789-0123456789-abc';
const DAY = 24 * 60 * 60;
const LOCKED = 429;

/** A service behind a proxy, so that each request can come from an address of its own. */
async function start() {
  const { clock, pass } = fakeClock();
  const env = { KEYHEARTH_LOCKOUT_BY: 'address+key', KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' };
  const { send } = await bootstrapped({ clock, env });
  const from = (address: string, key?: string, path = '/auth/verify') =>
    send({ path, headers: { 'X-Forwarded-For': address, ...(key !== undefined && { 'X-API-Key': key }) } });
  const manage = (method: string, path: string) =>
    send({ method, path, key: FIRST_KEY, headers: { 'X-Forwarded-For': '198.51.100.254' } });
  async function guess(address: string, guesses = 5) {
    const statuses: number[] = [];
    for (let i = 0; i < guesses; i++) statuses.push((await from(address, `${STALE}-${i}`)).status);
    return statuses;
  }
  return { pass, send, from, manage, guess };
}

const ADDRESS = '198.51.100.7';

describe('the same wrong key', () => {
  test('counts once, and leaves the valid keys of the address alone', async () => {
    const { from } = await start();
    for (let i = 0; i < 20; i++) {
      const answer = await from(ADDRESS, STALE);
      expect(answer.json).toMatchObject({ status: 401, detail: 'Invalid API key. 4 attempts remaining.' });
    }
    expect((await from(ADDRESS, FIRST_KEY)).status).toBe(200);
  });

  test('never locks, however long it goes on', async () => {
    const { from, pass } = await start();
    for (let minute = 0; minute < 60; minute++) {
      pass(60);
      expect((await from(ADDRESS, STALE)).json.detail).toBe('Invalid API key. 4 attempts remaining.');
    }
  });

  test('does not extend the time for which it counts', async () => {
    const { from, pass } = await start();
    await from(ADDRESS, STALE);
    pass(299);
    await from(ADDRESS, STALE);
    expect((await from(ADDRESS)).json.detail).toBe('API key required. 4 attempts remaining.');
    pass(2);
    expect((await from(ADDRESS)).json.detail).toBe('API key required. 5 attempts remaining.');
  });

  test('counts again when its time is over, and the later ones go on', async () => {
    const { from, pass } = await start();
    await from(ADDRESS, STALE);
    pass(200);
    await from(ADDRESS, `${STALE}-later`);
    pass(101);
    expect((await from(ADDRESS, `${STALE}-later`)).json.detail).toContain('4 attempts remaining');
    expect((await from(ADDRESS, STALE)).json.detail).toContain('3 attempts remaining');
  });

  test('counts for each address', async () => {
    const { from } = await start();
    for (const host of [1, 2, 3]) {
      expect((await from(`192.0.2.${host}`, STALE)).json.detail).toContain('4 attempts remaining');
    }
  });

  test('of 100 simultaneous requests, all get the same answer', async () => {
    const { from } = await start();
    const answers = await Promise.all(Array.from({ length: 100 }, () => from(ADDRESS, STALE)));
    expect(new Set(answers.map(({ json }) => json.detail))).toEqual(
      new Set(['Invalid API key. 4 attempts remaining.']),
    );
  });
});

describe('different wrong keys', () => {
  test('lock the address at the fifth, and the sixth is refused', async () => {
    const { guess } = await start();
    expect(await guess(ADDRESS, 6)).toEqual([401, 401, 401, 401, 401, LOCKED]);
  });

  test('of 100 simultaneous ones, exactly five are evaluated', async () => {
    const { from } = await start();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => from(ADDRESS, `${STALE}-${i}`, '/auth/keys')),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(5);
    expect(statuses.filter((status) => status === LOCKED)).toHaveLength(95);
  });
});

describe('while the address is locked', () => {
  test('a key that was valid from there passes, on each path, and the lock stays', async () => {
    const { from, guess } = await start();
    await from(ADDRESS, FIRST_KEY);
    await guess(ADDRESS);
    for (const path of ['/auth/verify', '/auth/keys', '/auth/keys/1']) {
      expect((await from(ADDRESS, FIRST_KEY, path)).status).toBe(200);
      expect((await from(ADDRESS, STALE, path)).status).toBe(LOCKED);
    }
  });

  test('everything else is refused: another valid key, no key, two keys, and the open routes', async () => {
    const { send, from, manage, guess } = await start();
    const other = (await manage('POST', '/auth/keys')).json.raw_key;
    await from(ADDRESS, FIRST_KEY);
    await guess(ADDRESS);
    expect((await from(ADDRESS, other)).status).toBe(LOCKED);
    expect((await from(ADDRESS)).status).toBe(LOCKED);
    expect((await from(ADDRESS, FIRST_KEY, '/auth/bootstrap-status')).status).toBe(LOCKED);
    const headers = { 'X-Forwarded-For': ADDRESS, Authorization: `Bearer ${other}` };
    expect((await send({ path: '/auth/keys', key: FIRST_KEY, headers })).status).toBe(LOCKED);
    expect((await from('198.51.100.8', other)).status).toBe(200);
  });

  test('a key that is known from another address is refused', async () => {
    const { from, guess } = await start();
    await from('198.51.100.8', FIRST_KEY);
    await guess(ADDRESS);
    expect((await from(ADDRESS, FIRST_KEY)).status).toBe(LOCKED);
  });

  test('a key that was revoked in the meantime is refused, and not known any more', async () => {
    const { from, manage, guess } = await start();
    const { id, raw_key } = (await manage('POST', '/auth/keys')).json;
    await from(ADDRESS, raw_key);
    await guess(ADDRESS);
    expect((await from(ADDRESS, raw_key)).status).toBe(200);
    await manage('POST', `/auth/keys/${id}/deactivate`);
    expect((await from(ADDRESS, raw_key)).status).toBe(LOCKED);
    await manage('POST', `/auth/keys/${id}/activate`);
    expect((await from(ADDRESS, raw_key)).status).toBe(LOCKED);
  });

  test('a key passes for a day after its latest use from there', async () => {
    const { from, pass, guess } = await start();
    await from(ADDRESS, FIRST_KEY);
    pass(DAY - 60);
    await guess(ADDRESS);
    expect((await from(ADDRESS, FIRST_KEY)).status).toBe(200);
    pass(DAY - 60);
    await guess(ADDRESS);
    expect((await from(ADDRESS, FIRST_KEY)).status).toBe(200);
    pass(DAY + 1);
    await guess(ADDRESS);
    expect((await from(ADDRESS, FIRST_KEY)).status).toBe(LOCKED);
  });

  test('POST /auth/verify follows the same rule for the address in ip', async () => {
    const { send, manage } = await start();
    const other = (await manage('POST', '/auth/keys')).json.raw_key;
    const ask = async (body: object) =>
      (await send({ method: 'POST', path: '/auth/verify', key: FIRST_KEY, body })).json;
    await ask({ key: FIRST_KEY, ip: ADDRESS });
    for (let i = 0; i < 10; i++)
      expect(await ask({ key: STALE, ip: ADDRESS })).toMatchObject({ code: 'NOT_FOUND' });
    const keys = Array.from({ length: 5 }, (_, i) => `${STALE}-${i}`);
    const { results } = await ask({ keys: [...keys, FIRST_KEY, other, STALE], ip: ADDRESS });
    expect(results.map(({ code }: { code: string }) => code)).toEqual([
      ...['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
      ...['LOCKED', 'VALID', 'LOCKED', 'LOCKED'],
    ]);
  });
});

test('a wrong bootstrap token that is repeated counts once', async () => {
  const { clock } = fakeClock();
  const env = { KEYHEARTH_LOCKOUT_BY: 'address+key', KEYHEARTH_BOOTSTRAP_TOKEN: 'the-token' };
  const { send } = await service({ clock, env });
  for (let i = 0; i < 10; i++) {
    const headers = { 'X-Bootstrap-Token': 'a-wrong-token' };
    const answer = await send({ method: 'POST', path: '/auth/register-key', headers, body: {} });
    expect(answer.json).toMatchObject({
      status: 401,
      detail: expect.stringContaining('4 attempts remaining'),
    });
  }
});

describe('the memory', () => {
  const policy: LockoutPolicy = { attempts: 5, seconds: 300, by: 'address+key' };
  const attempt = (credential: string) => ({ address: ADDRESS, credential });
  const guessAll = (lockout: ReturnType<typeof createLockout>) => {
    for (let i = 0; i < 5; i++) lockout.record(attempt(`guess ${i}`), 'invalid');
  };

  test('is shared: a key that one thread knows passes in another', () => {
    const { clock } = fakeClock();
    const memory = allocateLockout(policy);
    const [one, other] = [createLockout(policy, clock, memory), createLockout(policy, clock, memory)];
    one.record(attempt('valid'), 'valid');
    for (let i = 0; i < 3; i++) other.record(attempt('stale'), 'invalid');
    expect(one.record(attempt('stale'), 'invalid')).toEqual({ state: 'counted', remaining: 4 });
    guessAll(one);
    expect(other.isKnown(attempt('valid'))).toBe(true);
    expect(other.record(attempt('valid'), 'valid')).toEqual({ state: 'counted', remaining: 5 });
    expect(other.record(attempt('another valid one'), 'valid').state).toBe('locked');
  });

  test('holds no credential, and digests that are worth nothing without the secret', () => {
    const { clock } = fakeClock();
    const used = [allocateLockout(policy), allocateLockout(policy)].map((memory) => {
      const lockout = createLockout(policy, clock, memory);
      lockout.record(attempt(FIRST_KEY), 'valid');
      lockout.record(attempt(STALE), 'invalid');
      return memory;
    });
    for (const { table, known } of used) {
      for (const buffer of [table.buffer, known]) {
        const bytes = Buffer.from(new Uint8Array(buffer));
        for (const text of [FIRST_KEY.slice(0, 8), STALE.slice(0, 8)])
          expect(bytes.includes(text)).toBe(false);
      }
    }
    const [one, other] = used.map(({ known }) => new Float64Array(known).filter((number) => number > 1e6));
    expect(one).toHaveLength(1);
    expect(one).not.toEqual(other);
  });

  test('is bounded: the key that was valid longest ago is forgotten first', () => {
    const known = openKnownKeys(allocateKnownKeys(1));
    for (let digest = 1; digest <= 16; digest++) known.remember(digest, digest);
    known.remember(1, 17);
    known.remember(17, 18);
    expect([1, 2, 3, 17].map((digest) => known.has(digest, 20))).toEqual([true, false, true, true]);
  });

  test('of the keys that are known: a forgotten one leaves a place', () => {
    const known = openKnownKeys(allocateKnownKeys(1));
    for (let digest = 1; digest <= 16; digest++) known.remember(digest, digest);
    known.forget(5);
    known.remember(17, 18);
    expect([1, 5, 17].map((digest) => known.has(digest, 20))).toEqual([true, false, true]);
  });

  test('of a replica: a lock that another one sends lets pass what is known here, and nothing else', () => {
    const { clock } = fakeClock();
    const subscribers: ((message: string) => void)[] = [];
    const network: LockNotifier = {
      notify: (message) => subscribers.at(-1)?.(message),
      subscribe: (onMessage) => subscribers.push(onMessage),
    };
    const one = createLockout(policy, clock, allocateLockout(policy), network);
    const other = createLockout(policy, clock, allocateLockout(policy), network);
    one.record(attempt('known to one'), 'valid');
    other.record(attempt('known to both'), 'valid');
    one.record(attempt('known to both'), 'valid');
    guessAll(one);
    expect(other.retryAfter(ADDRESS)).toBe(300);
    const outcomes = ['known to both', 'known to one', 'unknown'].map(
      (credential) => other.record(attempt(credential), 'valid').state,
    );
    expect(outcomes).toEqual(['counted', 'locked', 'locked']);
  });

  test.each<[LockoutPolicy['by'], Outcome, number[]]>([
    ['address', 'invalid', [4, 3, 2]],
    ['address', 'undecided', [4, 4, 4]],
    ['address+key', 'invalid', [4, 4, 4]],
    ['address+key', 'undecided', [4, 4, 4]],
  ])('by %s, one credential that is %s three times leaves %j attempts', (by, outcome, expected) => {
    const lockout = createLockout({ ...policy, by }, fakeClock().clock);
    const recorded = [1, 2, 3].map(() => lockout.record(attempt('one'), outcome));
    expect(recorded).toEqual(expected.map((remaining) => ({ state: 'counted', remaining })));
  });

  test('by address, nothing is known', () => {
    const lockout = createLockout({ ...policy, by: 'address' }, fakeClock().clock);
    lockout.record(attempt('valid'), 'valid');
    expect(lockout.isKnown(attempt('valid'))).toBe(false);
  });
});
