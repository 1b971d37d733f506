import { describe, expect, test } from 'vitest';
import { createAuthenticate } from '../../src/auth/authenticate.ts';
import type { KeyAuthenticator, Verification } from '../../src/auth/authenticator.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { KeyPrincipal } from '../../src/lib/principal.ts';
import { createLockout } from '../../src/lockout/lockout.ts';
import { keyPrincipal } from '../support/principal.ts';

const ADDRESS = '192.0.2.1';
const sender = { lockoutKey: ADDRESS, ip: undefined };

const valid: Verification<KeyPrincipal> = { state: 'valid', principal: keyPrincipal() };

/** An authenticator whose only credential is verified when the test says so. */
function slowAuthenticator() {
  const { promise, resolve } = Promise.withResolvers<Verification<KeyPrincipal>>();
  const authenticator: KeyAuthenticator = {
    kind: 'key',
    schemes: {},
    read: () => ['credential'],
    verify: () => promise,
    isConfigured: () => true,
  };
  return { authenticator, resolve };
}

describe('an address that is locked while its credential is verified', () => {
  test.each<[string, Verification<KeyPrincipal>]>([
    ['valid', valid],
    ['invalid', { state: 'invalid' }],
    ['proven', { state: 'unproven', prove: async () => valid }],
  ])('does not learn that it is %s', async (_, verification) => {
    const lockout = createLockout({ attempts: 1, seconds: 300, by: 'address' }, systemClock);
    const { authenticator, resolve } = slowAuthenticator();
    const result = createAuthenticate([authenticator], lockout)(sender, () => undefined);
    lockout.record({ address: ADDRESS, credential: 'a guess' }, 'invalid');
    resolve(verification);
    expect(await result).toEqual({
      state: 'refused',
      failure: { code: 'too_many_failed_attempts', retryAfter: 300 },
    });
  });
});

test('a guess where no credential exists is not counted', async () => {
  const lockout = createLockout({ attempts: 1, seconds: 300, by: 'address' }, systemClock);
  const { authenticator, resolve } = slowAuthenticator();
  resolve({ state: 'unconfigured' });
  const authenticate = createAuthenticate([authenticator], lockout);
  for (let guess = 0; guess < 3; guess++) {
    expect(await authenticate(sender, () => undefined)).toMatchObject({
      failure: { code: 'no_api_key_configured' },
    });
  }
  expect(lockout.remaining(ADDRESS)).toBe(1);
});
