import type { Verdict } from '../keys/key.ts';
import type { KeyLookup, ProvenVerdict } from '../keys/lookup.ts';
import type { KeyId, RawKey } from '../lib/brand.ts';
import { DomainError } from '../lib/failure.ts';
import type { Attempt } from '../lockout/attempt.ts';
import type { Lockout } from '../lockout/lockout.ts';
import { undecided } from './authenticate.ts';

/** The result for the key of an end user. `LOCKED`: the user's address is locked out, and the result stays secret. */
export type Introspection = Verdict | { code: 'LOCKED'; retryAfter: number };

export type Introspect = ReturnType<typeof createIntrospect>;

type IntrospectParts = Pick<KeyLookup, 'lookUp'> & { countUse(id: KeyId): void; lockout: Lockout };

/**
 * Verifies a key for a service that received it from an end user.
 * @returns a function of the key and the address of the end user. Without an address, nothing counts
 * @throws DomainError `overloaded` when only a further call can decide
 */
export function createIntrospect({ lookUp, countUse, lockout }: IntrospectParts) {
  function record(attempt: Attempt, verdict: Verdict): Introspection {
    const recorded = lockout.record(attempt, verdict.code === 'VALID' ? 'valid' : 'invalid');
    if (recorded.state === 'locked') return { code: 'LOCKED', retryAfter: recorded.retryAfter };
    if (verdict.code === 'VALID') countUse(verdict.key.id);
    return verdict;
  }

  function recordProven(attempt: Attempt, proven: ProvenVerdict): Introspection {
    if (proven.code === 'NO_USABLE_KEY') return record(attempt, { code: 'NOT_FOUND' });
    if (proven.code !== 'UNDECIDED') return record(attempt, proven);
    const recorded = lockout.record(attempt, 'undecided');
    if (recorded.state === 'counted') throw new DomainError(undecided);
    return { code: 'LOCKED', retryAfter: recorded.retryAfter };
  }

  return async (rawKey: RawKey, lockoutKey: string | undefined): Promise<Introspection> => {
    const attempt = { address: lockoutKey, credential: rawKey };
    const found = await lookUp(rawKey);
    if (found.code !== 'UNPROVEN') return record(attempt, found);
    const outcome = await lockout.reserve(attempt, async () =>
      recordProven(attempt, await found.prove(lockoutKey)),
    );
    return 'state' in outcome ? { code: 'LOCKED', retryAfter: outcome.retryAfter } : outcome;
  };
}
