import type { Verdict } from '../keys/key.ts';
import type { KeyLookup } from '../keys/lookup.ts';
import type { KeyId, RawKey } from '../lib/brand.ts';
import type { Attempt } from '../lockout/attempt.ts';
import type { Lockout } from '../lockout/lockout.ts';

/** The result for the key of an end user. `LOCKED`: the user's address is locked out, and the result stays secret. */
export type Introspection = Verdict | { code: 'LOCKED'; retryAfter: number };

export type Introspect = ReturnType<typeof createIntrospect>;

type IntrospectParts = Pick<KeyLookup, 'lookUp'> & { countUse(id: KeyId): void; lockout: Lockout };

/**
 * Verifies a key for a service that received it from an end user.
 * @returns a function of the key and the address of the end user. Without an address, nothing counts
 */
export function createIntrospect({ lookUp, countUse, lockout }: IntrospectParts) {
  function record(attempt: Attempt, verdict: Verdict): Introspection {
    const recorded = lockout.record(attempt, verdict.code === 'VALID' ? 'valid' : 'invalid');
    if (recorded.state === 'locked') return { code: 'LOCKED', retryAfter: recorded.retryAfter };
    if (verdict.code === 'VALID') countUse(verdict.key.id);
    return verdict;
  }

  return async (rawKey: RawKey, lockoutKey: string | undefined): Promise<Introspection> => {
    const attempt = { address: lockoutKey, credential: rawKey };
    const found = await lookUp(rawKey);
    if (found.code !== 'UNPROVEN') return record(attempt, found);
    const outcome = await lockout.reserve(attempt, async () => {
      const proven = await found.prove();
      return record(attempt, proven.code === 'NO_USABLE_KEY' ? { code: 'NOT_FOUND' } : proven);
    });
    return 'state' in outcome ? { code: 'LOCKED', retryAfter: outcome.retryAfter } : outcome;
  };
}
