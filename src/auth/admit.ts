import type { Scope } from '../lib/brand.ts';
import type { Failure } from '../lib/failure.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import type { KeyPrincipal } from '../lib/principal.ts';
import type { LimitState } from '../lib/rate-limit.ts';
import type { Limiter } from '../limits/limiter.ts';
import { lacksScopes } from './authorize.ts';

/** Whether a verification lets a valid key through. `limits`: what is left of each of its rate limits. */
export type Admission =
  | { state: 'admitted'; principal: KeyPrincipal; limits: readonly LimitState[] }
  | { state: 'refused'; failure: Failure };

/** Decides about a valid key. It returns a promise only when it has to wait. */
export type Admit = (principal: KeyPrincipal, scopes: readonly Scope[]) => MaybePromise<Admission>;

const noLimits: readonly LimitState[] = [];

/**
 * Makes the function that decides about a valid key. The caller of the verification chooses the scopes, and the key must
 * hold all of them. Then its rate limits must allow the verification.
 */
export const createAdmit =
  ({ consume }: Pick<Limiter, 'consume'>): Admit =>
  (principal, scopes) => {
    const failure = scopes.length === 0 ? undefined : lacksScopes(principal, scopes);
    if (failure) return { state: 'refused', failure };
    const { rateLimits, rootId } = principal;
    if (rateLimits.length === 0) return { state: 'admitted', principal, limits: noLimits };
    return andThen(
      consume(rootId, rateLimits, 1),
      ({ isAllowed, retryAfter, states: limits }): Admission =>
        isAllowed
          ? { state: 'admitted', principal, limits }
          : { state: 'refused', failure: { code: 'rate_limited', retryAfter, limits } },
    );
  };
