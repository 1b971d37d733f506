import type { KeyService } from '../keys/service.ts';
import type { Verdict } from '../keys/verify.ts';
import type { Lockout } from '../lockout/lockout.ts';

/** What became of a key that somebody asked about. `LOCKED`: its verdict is not told. */
export type Introspection = Verdict | { code: 'LOCKED'; retryAfter: number };

export type VerifyService = ReturnType<typeof createVerifyService>;

type Keys = Pick<KeyService, 'recognise' | 'verify' | 'countUse' | 'assertActive'>;

export function createVerifyService(keys: Keys, lockout: Lockout) {
  return {
    assertActive: keys.assertActive,

    /**
     * Tells what a key is, for a service that holds it for somebody else.
     * @param lockoutKey what the end user's failures are counted by; undefined when the asking service did not say
     * who that is, and nothing is counted
     */
    async introspect(rawKey: string, lockoutKey: string | undefined): Promise<Introspection> {
      const outcome = await lockout.attempt(
        lockoutKey,
        () => keys.recognise(rawKey),
        () => keys.verify(rawKey),
      );
      if (outcome.state === 'locked') return { code: 'LOCKED', retryAfter: outcome.retryAfter };
      const verdict = outcome.result;
      if (verdict.ok) keys.countUse(verdict.key.id);
      return verdict;
    },
  };
}
