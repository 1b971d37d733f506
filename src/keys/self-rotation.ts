import type { KeyId } from '../lib/brand.ts';
import { DomainError } from '../lib/failure.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { LimitState, RateLimit } from '../lib/rate-limit.ts';

/**
 * Every key may rotate itself, and each rotation leaves a row, two audit events, and perhaps a key in its grace. No limit
 * of a key has this name, because the names that clients choose have no colon.
 */
const LIMITS: readonly RateLimit[] = [
  { name: 'self:rotate', limit: 24, window: '1d', windowMs: 24 * 60 * 60 * 1_000 },
];

/** Counts for a chain of rotations, across all that serve. */
export type Consume = (
  rootId: KeyId,
  limits: readonly RateLimit[],
  cost: number,
) => MaybePromise<Readonly<{ isAllowed: boolean; retryAfter: number; states: readonly LimitState[] }>>;

/** @throws DomainError `rate_limited` */
export async function countWithin(consume: Consume, id: KeyId, limits: readonly RateLimit[]): Promise<void> {
  const { isAllowed, retryAfter, states } = await consume(id, limits, 1);
  if (!isAllowed) throw new DomainError({ code: 'rate_limited', retryAfter, limits: states });
}

/** @throws DomainError `rate_limited` */
export const countSelfRotation = (consume: Consume, rootId: KeyId): Promise<void> =>
  countWithin(consume, rootId, LIMITS);
