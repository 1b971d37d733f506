import type { ApiKey, Verdict } from '../keys/key.ts';
import type { KeyLookup, ProvenVerdict } from '../keys/lookup.ts';
import type { Connection } from '../keys/prove.ts';
import { missingScopes } from '../keys/scopes.ts';
import type { RawKey, Scope } from '../lib/brand.ts';
import { DomainError } from '../lib/failure.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import type { LimitState } from '../lib/rate-limit.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Attempt } from '../lockout/attempt.ts';
import type { Lockout } from '../lockout/lockout.ts';
import { UNKNOWN_KEY } from '../usage/outcome.ts';
import { undecided } from './authenticate.ts';
import type { Sender } from './authenticator.ts';
import type { Usage } from './count-outcome.ts';

/** The result for the key of an end user. `LOCKED`: the user's address is locked out, and the result stays secret. */
export type Introspection =
  | Exclude<Verdict, { code: 'VALID' }>
  | { code: 'VALID'; key: ApiKey; limits: readonly LimitState[] }
  /** `retryAfter`: infinite when the cost is above a limit. */
  | { code: 'RATE_LIMITED'; key: ApiKey; retryAfter: number; limits: readonly LimitState[] }
  | { code: 'INSUFFICIENT_SCOPE'; key: ApiKey; missing: readonly Scope[] }
  | { code: 'LOCKED'; retryAfter: number };

export type Introspect = ReturnType<typeof createIntrospect>;

type IntrospectParts = Pick<KeyLookup, 'lookUp'> & {
  usage: Usage;
  lockout: Lockout;
  limiter: Pick<Limiter, 'consume'>;
};

/** What a service asks about a key. */
type Question = Readonly<{
  /** The key must hold all of them. */
  scopes: readonly Scope[];
  /** How much the verification takes from each rate limit. 0: nothing, and it passes the limits. */
  cost: number;
}>;

/**
 * Verifies a key for a service that received it from an end user.
 * @returns a function of the key, the end user, and the question. Without an address, the lockout counts nothing
 * @throws DomainError `overloaded` when only a further call can decide
 */
export function createIntrospect({ lookUp, usage, lockout, limiter }: IntrospectParts) {
  function counted(introspection: Introspection): Introspection {
    if ('key' in introspection) usage.countVerification(introspection.key.id, introspection.code);
    else if (introspection.code === 'NOT_FOUND') usage.countVerification(UNKNOWN_KEY, 'INACTIVE');
    return introspection;
  }

  function record(
    attempt: Attempt,
    verdict: Verdict,
    { scopes, cost }: Question,
  ): MaybePromise<Introspection> {
    const recorded = lockout.record(attempt, verdict.code === 'VALID' ? 'valid' : 'invalid');
    if (recorded.state === 'locked') return { code: 'LOCKED', retryAfter: recorded.retryAfter };
    if (verdict.code !== 'VALID') return verdict;
    const { key } = verdict;
    const missing = missingScopes(key.scopes, scopes);
    if (missing.length > 0) return { code: 'INSUFFICIENT_SCOPE', key, missing };
    return consume(key, cost);
  }

  function consume(key: ApiKey, cost: number): MaybePromise<Introspection> {
    if (key.rateLimits.length === 0) return { code: 'VALID', key, limits: [] };
    return andThen(
      limiter.consume(key.rootId, key.rateLimits, cost),
      ({ isAllowed, retryAfter, states: limits }) =>
        isAllowed ? { code: 'VALID', key, limits } : { code: 'RATE_LIMITED', key, retryAfter, limits },
    );
  }

  function recordProven(
    attempt: Attempt,
    proven: ProvenVerdict,
    question: Question,
  ): MaybePromise<Introspection> {
    if (proven.code === 'NO_USABLE_KEY') return record(attempt, { code: 'NOT_FOUND' }, question);
    if (proven.code !== 'UNDECIDED') return record(attempt, proven, question);
    const recorded = lockout.record(attempt, 'undecided');
    if (recorded.state === 'counted') throw new DomainError(undecided);
    return { code: 'LOCKED', retryAfter: recorded.retryAfter };
  }

  return async (
    rawKey: RawKey,
    { lockoutKey, ip }: Sender,
    question: Question,
    connection?: Connection,
  ): Promise<Introspection> => {
    const attempt = { address: lockoutKey, credential: rawKey };
    const found = await lookUp(rawKey, ip);
    if (found.code !== 'UNPROVEN') return counted(await recordProven(attempt, found, question));
    const outcome = await lockout.reserve(attempt, async () =>
      recordProven(attempt, await found.prove(lockoutKey, connection), question),
    );
    return 'state' in outcome ? { code: 'LOCKED', retryAfter: outcome.retryAfter } : counted(outcome);
  };
}
