import type { KeyService } from '../keys/service.ts';
import type { Verdict } from '../keys/verify.ts';
import type { Lockout } from '../lockout/lockout.ts';

/** What became of a key that somebody asked about. `LOCKED`: it was not looked at. */
export type Introspection = Verdict | { code: 'LOCKED'; retryAfter: number };

export type VerifyService = ReturnType<typeof createVerifyService>;

export function createVerifyService(keys: Pick<KeyService, 'verify' | 'assertActive'>, lockout: Lockout) {
  return {
    assertActive: keys.assertActive,

    /**
     * Tells what a key is, for a service that holds it for somebody else.
     * @param lockoutKey what the end user's failures are counted by; undefined when the asking service did not say
     * who that is, and nothing is counted
     */
    async introspect(rawKey: string, lockoutKey: string | undefined): Promise<Introspection> {
      if (lockoutKey === undefined) return keys.verify(rawKey);
      const outcome = await lockout.attempt(lockoutKey, async () => {
        const verdict = await keys.verify(rawKey);
        return { ok: verdict.code === 'VALID', verdict };
      });
      if (outcome.state === 'locked') return { code: 'LOCKED', retryAfter: outcome.retryAfter };
      return outcome.result.verdict;
    },
  };
}
