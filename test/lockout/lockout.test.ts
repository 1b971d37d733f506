import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLockout, type Lockout, type LockoutPolicy } from '../../src/lockout/lockout.ts';
import { allocateLockout } from '../../src/lockout/memory.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { sendRaw } from '../support/http.ts';
import { bootstrapped, FIRST_KEY } from '../support/keyhearth.ts';

const WRONG = 'a-wrong-key-0123456789-0123456789-abc';
const LOCKED = 'Too many failed authentication attempts. Please try again later.';

const wrong = async () => false;
const right = async () => true;

/** An attempt whose evaluation has to be waited for. `evaluate` says whether it is valid. */
function inTime(lockout: Lockout, address: string, evaluate: () => Promise<boolean>) {
  const attempt = { address, credential: 'a guess' };
  return lockout.reserve(attempt, async () => {
    const isValid = await evaluate();
    const recorded = lockout.record(attempt, isValid ? 'valid' : 'invalid');
    return recorded.state === 'locked' ? recorded : { ...recorded, isValid };
  });
}

describe('over HTTP', () => {
  test('the fifth failure is still a 401; what follows is a 429, also with a good key, but for the six open paths', async () => {
    const { clock, pass } = fakeClock();
    const { send } = await bootstrapped({ clock });
    for (const remaining of [4, 3, 2, 1, 0]) {
      const answer = await send({ path: '/auth/keys', key: WRONG });
      expect(answer.status).toBe(401);
      expect(answer.json.detail).toBe(`Invalid API key. ${remaining} attempts remaining.`);
    }
    pass(60);
    for (const call of [
      { path: '/auth/keys', key: WRONG },
      { path: '/auth/keys', key: FIRST_KEY },
      { path: '/auth/keys' },
      { path: '/nowhere', key: FIRST_KEY },
      { path: '/auth/bootstrap-status' },
      { method: 'POST', path: '/auth/register-key', body: { api_key: WRONG } },
    ]) {
      const answer = await send(call);
      expect(answer.status).toBe(429);
      expect(answer.json).toMatchObject({ code: 'too_many_failed_attempts', detail: LOCKED });
      expect(answer.headers['retry-after']).toBe('240');
    }
    for (const path of ['/', '/health', '/meta', '/docs', '/redoc', '/openapi.json']) {
      expect((await send({ path, key: WRONG })).status).toBe(200);
    }
    pass(239);
    expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(429);
    pass(2);
    expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
    expect((await send('/auth/keys')).json.detail).toBe('API key required. 5 attempts remaining.');
  });

  test('a good key before that clears the failures', async () => {
    const { send } = await bootstrapped();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) await send({ path: '/auth/keys', key: WRONG });
      expect((await send('/auth/keys')).json.detail).toBe('API key required. 1 attempts remaining.');
      expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
    }
  });

  test('wrong, malformed, mistyped, inactive and deleted keys get the same answer', async () => {
    const { send } = await bootstrapped();
    const create = async () => (await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY })).json;
    const inactive = await create();
    await send({ method: 'POST', path: `/auth/keys/${inactive.id}/deactivate`, key: FIRST_KEY });
    const deleted = await create();
    await send({ method: 'DELETE', path: `/auth/keys/${deleted.id}`, key: FIRST_KEY });
    const mistyped = `kh_${'a'.repeat(61)}`;
    for (const key of [WRONG, 'short', mistyped, inactive.raw_key, deleted.raw_key, 'ü'.repeat(40)]) {
      const answer = await send({
        path: '/auth/keys',
        headers: { 'X-API-Key': Buffer.from(key).toString('latin1') },
      });
      expect(answer.status).toBe(401);
      expect(answer.json).toMatchObject({
        code: 'invalid_api_key',
        detail: 'Invalid API key. 4 attempts remaining.',
      });
      await send({ path: '/auth/keys', key: FIRST_KEY });
    }
  });

  test('of 100 simultaneous wrong keys from one address exactly 5 are evaluated and 95 get 429', async () => {
    const { send } = await bootstrapped();
    for (const path of ['/auth/keys', '/auth/keys/1', '/nowhere']) {
      const { clock } = fakeClock();
      const other = await bootstrapped({ clock });
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, i) => other.send({ path, key: `${WRONG}-${i}` })),
      );
      const statuses = answers.map((answer) => answer.status);
      expect(statuses.filter((status) => status === 401)).toHaveLength(5);
      expect(statuses.filter((status) => status === 429)).toHaveLength(95);
    }
    expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
  });

  test('100 simultaneous requests with a good key all pass', async () => {
    const { send } = await bootstrapped();
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => send({ path: '/auth/keys', key: FIRST_KEY })),
    );
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
  });

  test('switched off, nothing is counted and no count is shown', async () => {
    const { send } = await bootstrapped({ env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } });
    for (let i = 0; i < 20; i++) {
      expect((await send({ path: '/auth/keys', key: WRONG })).json.detail).toBe('Invalid API key.');
    }
    expect((await send('/auth/keys')).json.detail).toBe('API key required.');
  });
});

describe('behind a trusted proxy', () => {
  const trusting = { env: { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8' } };

  test('two clients are locked apart, and what a client writes into the header changes nothing', async () => {
    const { send } = await bootstrapped(trusting);
    const from = (forwardedFor: string, key: string) =>
      send({ path: '/auth/keys', key, headers: { 'X-Forwarded-For': forwardedFor } });
    for (let i = 0; i < 5; i++) await from(`10.9.9.${i}, 192.0.2.${i}, 198.51.100.7`, WRONG);
    expect((await from('198.51.100.7', FIRST_KEY)).status).toBe(429);
    expect((await from('192.0.2.1, 198.51.100.7, 10.0.0.3', FIRST_KEY)).status).toBe(429);
    expect((await from('198.51.100.8', FIRST_KEY)).status).toBe(200);
    expect((await from('198.51.100.7, 198.51.100.8', FIRST_KEY)).status).toBe(200);
  });

  test('the proxy itself is never locked', async () => {
    const { send } = await bootstrapped(trusting);
    for (let i = 0; i < 10; i++) {
      const answer = await send({ path: '/auth/keys', key: WRONG });
      expect(answer.json).toMatchObject({ status: 401, detail: 'Invalid API key.' });
    }
    expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
  });

  test('clients that the proxy does not name cannot lock each other out', async () => {
    const { send } = await bootstrapped(trusting);
    for (const unreadable of ['rubbish', '', '192.0.2.1, unknown']) {
      const headers = { 'X-Forwarded-For': unreadable };
      for (let i = 0; i < 6; i++) {
        const answer = await send({ path: '/auth/keys', key: WRONG, headers });
        expect(answer.json).toMatchObject({ status: 401, detail: 'Invalid API key.' });
      }
      expect((await send({ path: '/auth/keys', key: FIRST_KEY, headers })).status).toBe(200);
    }
  });

  test('what a client writes before the entry of its proxy does not make it uncountable', async () => {
    const { send } = await bootstrapped(trusting);
    const headers = { 'X-Forwarded-For': 'rubbish, 198.51.100.7' };
    for (let i = 0; i < 5; i++) await send({ path: '/auth/keys', key: WRONG, headers });
    expect((await send({ path: '/auth/keys', key: FIRST_KEY, headers })).status).toBe(429);
  });

  test('however many header lines stand before it, the header is read', async () => {
    const { origin, send } = await bootstrapped(trusting);
    const filler = 'B:\r\n'.repeat(1_500);
    for (let i = 0; i < 6; i++) {
      const answer = await sendRaw(
        origin,
        `GET /auth/verify HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${WRONG}\r\n${filler}X-Forwarded-For: 198.51.100.9\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).toMatch(i < 5 ? /^HTTP\/1.1 (401|431)/ : /^HTTP\/1.1 (429|431)/);
      if (answer.includes(' 401 ')) expect(answer).toContain('attempts remaining');
    }
    expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
  });

  test('an untrusted peer cannot choose its address', async () => {
    const { send } = await bootstrapped();
    for (let i = 0; i < 5; i++) {
      await send({ path: '/auth/keys', key: WRONG, headers: { 'X-Forwarded-For': `192.0.2.${i}` } });
    }
    expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(429);
  });
});

describe('the counter', () => {
  const policy: LockoutPolicy = { attempts: 5, seconds: 300, by: 'address' };

  test('forgets each failure after five minutes, not all with the first', async () => {
    const { clock, pass } = fakeClock();
    const lockout = createLockout(policy, clock);
    for (let i = 0; i < 4; i++) {
      await inTime(lockout, 'a', wrong);
      pass(100);
    }
    expect(lockout.remaining('a')).toBe(3);
    await inTime(lockout, 'a', wrong);
    expect(lockout.retryAfter('a')).toBe(0);
    pass(301);
    expect(lockout.remaining('a')).toBe(5);
  });

  test('reserves before it awaits: never more evaluations at once than failures left', async () => {
    const { clock } = fakeClock();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ isValid: fc.boolean(), ticks: fc.integer({ min: 0, max: 5 }) }), {
          maxLength: 60,
        }),
        fc.integer({ min: 1, max: 6 }),
        async (guesses, attempts) => {
          const lockout = createLockout({ attempts, seconds: 300, by: 'address' }, clock);
          let atOnce = 0;
          let evaluated = 0;
          const outcomes = await Promise.all(
            guesses.map(({ isValid, ticks }) =>
              inTime(lockout, 'a', async () => {
                evaluated++;
                atOnce++;
                expect(atOnce).toBeLessThanOrEqual(attempts);
                for (let i = 0; i < ticks; i++) await null;
                atOnce--;
                return isValid;
              }),
            ),
          );
          const wrongOnes = outcomes.filter((outcome) => outcome.state === 'counted' && !outcome.isValid);
          const lockedOnes = outcomes.filter((outcome) => outcome.state === 'locked');
          expect(evaluated + lockedOnes.length).toBe(guesses.length);
          if (guesses.every(({ isValid }) => !isValid))
            expect(wrongOnes.length).toBe(Math.min(attempts, guesses.length));
          if (guesses.every(({ isValid }) => isValid)) expect(lockedOnes).toHaveLength(0);
        },
      ),
    );
  });

  test('an evaluation that throws counts for nothing and gives its place back', async () => {
    const { clock } = fakeClock();
    const lockout = createLockout(policy, clock);
    for (let i = 0; i < 20; i++) {
      await expect(inTime(lockout, 'a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    }
    expect(lockout.remaining('a')).toBe(5);
    expect(await inTime(lockout, 'a', right)).toMatchObject({ state: 'counted' });
  });

  test('keeps a bounded number of addresses: the unlocked leave first, then the lock that ends soonest', async () => {
    const policy: LockoutPolicy = { attempts: 2, seconds: 300, by: 'address' };
    const { clock, pass } = fakeClock();
    const lockout = createLockout(policy, clock, allocateLockout(policy, 3));
    for (const address of ['locked-1', 'locked-2']) {
      await inTime(lockout, address, wrong);
      await inTime(lockout, address, wrong);
      pass(1);
    }
    for (let i = 0; i < 10; i++) await inTime(lockout, `counted-${i}`, wrong);
    expect(lockout.retryAfter('locked-1')).toBeGreaterThan(0);
    expect(lockout.retryAfter('locked-2')).toBeGreaterThan(0);
    expect(lockout.remaining('counted-8')).toBe(2);
    expect(lockout.remaining('counted-9')).toBe(1);

    for (const address of ['locked-3', 'locked-4']) {
      await inTime(lockout, address, wrong);
      await inTime(lockout, address, wrong);
    }
    expect(lockout.retryAfter('locked-1')).toBe(0);
    expect(lockout.retryAfter('locked-4')).toBeGreaterThan(0);
  });

  test('a locked address stays locked, however many others come', () => {
    const { clock, pass } = fakeClock();
    const lockout = createLockout(policy, clock);
    const fail = (address: string) => lockout.record({ address, credential: 'a guess' }, 'invalid');
    const locked = Array.from({ length: 100 }, (_, i) => `192.0.2.${i}`);
    for (const address of locked) for (let i = 0; i < 5; i++) fail(address);
    for (let i = 0; i < 300_000; i++) {
      if (i % 3_000 === 0) pass(1);
      fail(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    }
    for (const address of locked) expect(lockout.retryAfter(address)).toBe(200);
  });

  test('gives the seconds until the end, rounded up', async () => {
    const { clock, pass } = fakeClock();
    const lockout = createLockout({ attempts: 1, seconds: 300, by: 'address' }, clock);
    await inTime(lockout, 'a', wrong);
    expect(lockout.retryAfter('a')).toBe(300);
    pass(0.5);
    expect(lockout.retryAfter('a')).toBe(300);
    pass(299);
    expect(lockout.retryAfter('a')).toBe(1);
    pass(0.5);
    expect(lockout.retryAfter('a')).toBe(0);
    expect(lockout.remaining('a')).toBe(1);
  });
});
