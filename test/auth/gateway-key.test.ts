import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { createAuthenticate } from '../../src/auth/authenticate.ts';
import { TARGET, type Verification } from '../../src/auth/authenticator.ts';
import { gatewayKeyAuthenticator, readGatewayKeys } from '../../src/auth/by/gateway-key.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { KeyPrincipal } from '../../src/lib/principal.ts';
import { createLockout, type LockoutPolicy } from '../../src/lockout/lockout.ts';
import { allocateLockout } from '../../src/lockout/memory.ts';
import { keyPrincipal } from '../support/principal.ts';

const ADDRESS = '192.0.2.1';
const VALID = 'the-valid-key';

const reader = (headers: Record<string, string>) => (name: string) => headers[name];

test.each<[Record<string, string>, string[]]>([
  [{}, []],
  [{ authorization: 'Bearer a-key' }, ['a-key']],
  [{ authorization: 'bearer   a-key ' }, ['a-key']],
  [{ authorization: 'a-key' }, ['a-key']],
  [{ authorization: 'Bearer' }, []],
  [{ authorization: 'Bearer ' }, []],
  [{ authorization: 'Basic YTpi' }, []],
  [{ authorization: 'Bearer one, Bearer two' }, ['one', 'two']],
  [{ 'x-api-key': 'a-key' }, ['a-key']],
  [{ 'x-goog-api-key': 'a-key' }, ['a-key']],
  [{ 'x-api-key': 'one, two' }, ['one', 'two']],
  [{ 'x-proxbox-api-key': 'a-key' }, []],
  [{ [TARGET]: '/v1/models?key=a-key' }, ['a-key']],
  [{ [TARGET]: '/v1/models?auth_token=a-key' }, ['a-key']],
  [{ [TARGET]: '/v1/models?k%65y=a%2Dkey&key=' }, ['a-key']],
  [{ [TARGET]: '/v1/key=a-key' }, []],
  [
    {
      authorization: 'Bearer one',
      'x-api-key': 'two',
      'x-goog-api-key': 'three',
      [TARGET]: '/?key=four&auth_token=five',
    },
    ['one', 'two', 'three', 'four', 'five'],
  ],
])('%o carries %o', (headers, keys) => {
  expect(readGatewayKeys(reader(headers))).toEqual(keys);
});

type Verify = (credential: string) => Verification<KeyPrincipal> | Promise<Verification<KeyPrincipal>>;

/** The authentication of the gateway over one valid key, and the credentials that it has evaluated. */
function gateway(
  policy: Partial<LockoutPolicy> = {},
  verify: Verify = (credential) =>
    credential === VALID ? { state: 'valid', principal: keyPrincipal() } : { state: 'invalid' },
) {
  const lockout = createLockout({ attempts: 5, seconds: 300, by: 'address', ...policy }, systemClock);
  const evaluated: string[] = [];
  const authenticator = gatewayKeyAuthenticator({
    kind: 'key',
    schemes: {},
    read: () => [],
    verify(credential) {
      evaluated.push(credential);
      return verify(credential);
    },
    isConfigured: () => false,
  });
  const authenticate = createAuthenticate([authenticator], lockout);
  const send = (...keys: string[]) =>
    authenticate({ lockoutKey: ADDRESS, ip: undefined }, reader({ 'x-api-key': keys.join(', ') }));
  return { lockout, evaluated, send };
}

const codeOf = (result: Awaited<ReturnType<ReturnType<typeof gateway>['send']>>) =>
  result.state === 'refused' ? result.failure.code : 'authenticated';

describe('a request with several different keys', () => {
  test.each([[[VALID, 'wrong']], [['wrong', VALID]], [['a', 'b', 'c', 'd', VALID]]])(
    'passes with one that is valid, and none counts: %o',
    async (keys) => {
      const { lockout, send } = gateway();
      expect(codeOf(await send(...keys))).toBe('authenticated');
      expect(lockout.remaining(ADDRESS)).toBe(5);
    },
  );

  test('counts each wrong key when none is valid', async () => {
    const { lockout, send } = gateway();
    expect(await send('a', 'b', 'c')).toMatchObject({
      failure: { code: 'invalid_api_key', remaining: 2 },
    });
    expect(lockout.remaining(ADDRESS)).toBe(2);
  });

  test('has no more keys evaluated than the address has attempts left', async () => {
    const { evaluated, send } = gateway();
    await send('a', 'b', 'c');
    expect(codeOf(await send('d', 'e', VALID))).toBe('invalid_api_key');
    expect(evaluated).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(codeOf(await send('f', VALID))).toBe('too_many_failed_attempts');
    expect(evaluated).toHaveLength(5);
  });

  test('has at most 8 evaluated, also where nothing counts', async () => {
    const { evaluated, send } = gateway({ attempts: 0 });
    const keys = Array.from({ length: 20 }, (_, i) => `guess-${i}`);
    expect(codeOf(await send(...keys, VALID))).toBe('invalid_api_key');
    expect(evaluated).toEqual(keys.slice(0, 8));
  });

  test('the same key twice is one key', async () => {
    const { evaluated, lockout, send } = gateway();
    await send('a', 'a');
    await send('a', 'b', 'a');
    expect(evaluated).toEqual(['a', 'a', 'b']);
    expect(lockout.remaining(ADDRESS)).toBe(2);
  });

  test('passes a lock by address and key when one was valid from there', async () => {
    const { evaluated, send } = gateway({ by: 'address+key' });
    expect(codeOf(await send(VALID))).toBe('authenticated');
    await send('a', 'b', 'c', 'd', 'e');
    expect(codeOf(await send('f', VALID))).toBe('authenticated');
    expect(codeOf(await send('g', 'h'))).toBe('too_many_failed_attempts');
    expect(evaluated).toEqual([VALID, 'a', 'b', 'c', 'd', 'e', VALID]);
  });

  test('a key that is not counted does not end the search', async () => {
    const { send } = gateway({}, (credential) => {
      if (credential === VALID)
        return { state: 'unproven', prove: async () => ({ state: 'valid', principal: keyPrincipal() }) };
      return { state: 'not_accepted', failure: { code: 'invalid_api_key', remaining: undefined } };
    });
    expect(codeOf(await send('kha_token', VALID))).toBe('authenticated');
  });

  test('without a key is missing one, and is not counted', async () => {
    const { lockout, send } = gateway();
    expect(codeOf(await send(''))).toBe('api_key_required');
    expect(lockout.remaining(ADDRESS)).toBe(5);
  });
});

describe('many requests at once', () => {
  test.each<[string, Verify]>([
    ['at once', () => ({ state: 'invalid' })],
    ['later', async () => ({ state: 'invalid' })],
    ['by bcrypt', () => ({ state: 'unproven', prove: async () => ({ state: 'invalid' }) })],
  ])('learn of no more than five guesses, when keys are verified %s', async (_, verify) => {
    const { send } = gateway({}, verify);
    const results = await Promise.all(Array.from({ length: 100 }, (_, i) => send(`a${i}`, `b${i}`, `c${i}`)));
    const learned = results.filter((result) => codeOf(result) === 'invalid_api_key').length;
    // The first request learns of three guesses, and the second one of the two that are left.
    expect(learned).toBeLessThanOrEqual(2);
    expect(learned).toBeGreaterThanOrEqual(0);
    expect(codeOf(await send(VALID))).toBe('too_many_failed_attempts');
  });

  test('do not learn that the last of their guesses is valid, when the address is locked by then', async () => {
    const { send } = gateway({}, async (credential) =>
      credential === VALID ? { state: 'valid', principal: keyPrincipal() } : { state: 'invalid' },
    );
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, i) => send(`a${i}`, `b${i}`, i === 90 ? VALID : `c${i}`)),
    );
    expect(results.map(codeOf)).not.toContain('authenticated');
  });

  test('of several threads learn of no more than five guesses', async () => {
    const policy = { attempts: 5, seconds: 300, by: 'address' } as const;
    const memory = allocateLockout(policy);
    const addresses = 200;
    const workerData = { policy, memory, addresses };
    const threads = Array.from(
      { length: 4 },
      () => new Worker(new URL('./gateway-guesser.ts', import.meta.url), { workerData }),
    );
    await Promise.all(threads.map((thread) => once(thread, 'message')));
    const answers = threads.map((thread) => once(thread, 'message'));
    for (const thread of threads) thread.postMessage('go');
    const learned = (await Promise.all(answers)).map(([counts]) => counts as number[]);
    await Promise.all(threads.map((thread) => thread.terminate()));
    for (let address = 0; address < addresses; address++) {
      const sum = learned.reduce((total, counts) => total + (counts[address] ?? 0), 0);
      expect(sum).toBeLessThanOrEqual(5);
    }
    expect(learned.flat().some((count) => count > 0)).toBe(true);
  });
});
