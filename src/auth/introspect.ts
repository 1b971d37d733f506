import type { ApiKey, Verdict } from '../keys/key.ts';
import type { KeyLookup, ProvenVerdict } from '../keys/lookup.ts';
import { missingScopes } from '../keys/scopes.ts';
import type { RawKey, Scope } from '../lib/brand.ts';
import { DomainError } from '../lib/failure.ts';
import type { Attempt } from '../lockout/attempt.ts';
import type { Lockout } from '../lockout/lockout.ts';
import { undecided } from './authenticate.ts';
import type { Sender } from './authenticator.ts';
import type { Usage } from './count-outcome.ts';

/** The result for the key of an end user. `LOCKED`: the user's address is locked out, and the result stays secret. */
export type Introspection =
  | Verdict
  | { code: 'INSUFFICIENT_SCOPE'; key: ApiKey; missing: readonly Scope[] }
  | { code: 'LOCKED'; retryAfter: number };

export type Introspect = ReturnType<typeof createIntrospect>;

type IntrospectParts = Pick<KeyLookup, 'lookUp'> & { usage: Usage; lockout: Lockout };

/**
 * Verifies a key for a service that received it from an end user.
 * @returns a function of the key, the end user, and the scopes that the key must hold. Without an address, nothing counts
 * @throws DomainError `overloaded` when only a further call can decide
 */
export function createIntrospect({ lookUp, usage, lockout }: IntrospectParts) {
  function counted(introspection: Introspection): Introspection {
    if ('key' in introspection) usage.countVerification(introspection.key.id, introspection.code);
    return introspection;
  }

  function record(attempt: Attempt, verdict: Verdict, scopes: readonly Scope[]): Introspection {
    const recorded = lockout.record(attempt, verdict.code === 'VALID' ? 'valid' : 'invalid');
    if (recorded.state === 'locked') return { code: 'LOCKED', retryAfter: recorded.retryAfter };
    if (verdict.code !== 'VALID') return verdict;
    const { key } = verdict;
    const missing = missingScopes(key.scopes, scopes);
    if (missing.length > 0) return { code: 'INSUFFICIENT_SCOPE', key, missing };
    return verdict;
  }

  function recordProven(attempt: Attempt, proven: ProvenVerdict, scopes: readonly Scope[]): Introspection {
    if (proven.code === 'NO_USABLE_KEY') return record(attempt, { code: 'NOT_FOUND' }, scopes);
    if (proven.code !== 'UNDECIDED') return record(attempt, proven, scopes);
    const recorded = lockout.record(attempt, 'undecided');
    if (recorded.state === 'counted') throw new DomainError(undecided);
    return { code: 'LOCKED', retryAfter: recorded.retryAfter };
  }

  return async (
    rawKey: RawKey,
    { lockoutKey, ip }: Sender,
    scopes: readonly Scope[],
  ): Promise<Introspection> => {
    const attempt = { address: lockoutKey, credential: rawKey };
    const found = await lookUp(rawKey, ip);
    if (found.code !== 'UNPROVEN') return counted(recordProven(attempt, found, scopes));
    const outcome = await lockout.reserve(attempt, async () =>
      recordProven(attempt, await found.prove(lockoutKey), scopes),
    );
    return 'state' in outcome ? { code: 'LOCKED', retryAfter: outcome.retryAfter } : counted(outcome);
  };
}
