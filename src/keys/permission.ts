import type { Failure } from '../lib/failure.ts';
import { containsNetwork, type Network } from '../lib/network.ts';
import type { RateLimit } from '../lib/rate-limit.ts';
import type { ApiKey, KeySettings } from './key.ts';
import { everyScope, holds, missingScopes } from './scopes.ts';

/**
 * Who may do what to which key. Nobody gets more than they have: the rules compare what a key holds with what the actor
 * holds. Each returns why the actor may not do it, or nothing.
 */

/** What a key holds: what it may do, until when, from where, how often, and how much at one time. */
export type Holdings = Pick<
  KeySettings,
  'scopes' | 'expiresAt' | 'allowedIps' | 'rateLimits' | 'maxConcurrent'
>;

type Refusal = Extract<Failure, { code: 'insufficient_scope' }>;

export function exceedsScopes(
  actor: Pick<Holdings, 'scopes'>,
  wanted: Pick<Holdings, 'scopes'>,
): Refusal | undefined {
  const missing = missingScopes(actor.scopes, wanted.scopes);
  return missing.length > 0 ? { code: 'insufficient_scope', reason: 'scopes', scopes: missing } : undefined;
}

function exceedsExpiry(actor: Holdings, wanted: Holdings): Refusal | undefined {
  const isLater =
    actor.expiresAt !== null && (wanted.expiresAt ?? Number.POSITIVE_INFINITY) > actor.expiresAt;
  return isLater ? { code: 'insufficient_scope', reason: 'expires_at', scopes: [] } : undefined;
}

function exceedsAddresses(actor: Holdings, wanted: Holdings): Refusal | undefined {
  const isWider = !areWithin(wanted.allowedIps, actor.allowedIps);
  return isWider ? { code: 'insufficient_scope', reason: 'allowed_ips', scopes: [] } : undefined;
}

/** Whether every address of `inner` is in `outer`. An empty list is every address. */
function areWithin(inner: readonly Network[], outer: readonly Network[]): boolean {
  if (outer.length === 0) return true;
  return inner.length > 0 && inner.every((each) => outer.some((network) => containsNetwork(network, each)));
}

/** A key with `*` may change all limits, its own too. Otherwise the only such key could limit all keys for ever. */
function exceedsLimits(actor: Holdings, wanted: Holdings): Refusal | undefined {
  if (holds(actor.scopes, '*')) return undefined;
  const keepsLimits = actor.rateLimits.every((limit) =>
    wanted.rateLimits.some((other) => isAsStrict(other, limit)),
  );
  return keepsLimits ? undefined : { code: 'insufficient_scope', reason: 'rate_limits', scopes: [] };
}

const isAsStrict = (limit: RateLimit, than: RateLimit) =>
  limit.name === than.name && limit.limit <= than.limit && limit.windowMs >= than.windowMs;

/** As for the other limits. */
function exceedsConcurrency(actor: Holdings, wanted: Holdings): Refusal | undefined {
  if (actor.maxConcurrent === null || holds(actor.scopes, '*')) return undefined;
  const isMore = (wanted.maxConcurrent ?? Number.POSITIVE_INFINITY) > actor.maxConcurrent;
  return isMore ? { code: 'insufficient_scope', reason: 'max_concurrent', scopes: [] } : undefined;
}

/** For a key that the actor makes, activates or rotates: it must not hold more than the actor in any way. */
export const exceeds = (actor: Holdings, wanted: Holdings): Refusal | undefined =>
  exceedsScopes(actor, wanted) ??
  exceedsExpiry(actor, wanted) ??
  exceedsAddresses(actor, wanted) ??
  exceedsLimits(actor, wanted) ??
  exceedsConcurrency(actor, wanted);

/**
 * For a change of the settings of another key, whose scopes the actor must hold. A change that takes something away is
 * allowed. A key that gets more of anything must then not hold more than the actor in any way, as if the actor made it.
 */
export const exceedsByChange = (actor: Holdings, before: Holdings, after: Holdings): Refusal | undefined =>
  exceedsScopes(actor, before) ?? (exceeds(before, after) ? exceeds(actor, after) : undefined);

/** Whether a key can manage all keys, at any time and from everywhere. One such key must always exist. */
export const isManaging = (key: ApiKey): boolean =>
  key.isActive &&
  key.expiresAt === null &&
  key.allowedIps.length === 0 &&
  key.scopes.some((scope) => scope === '*');

/** A made key never outlives its maker, and is never allowed from more addresses. Its limits are as strict, except under `*`. */
export const defaultsOf = ({ scopes, expiresAt, allowedIps, rateLimits, maxConcurrent }: Holdings) => ({
  scopes: holds(scopes, '*') ? everyScope : scopes,
  expiresAt,
  allowedIps,
  rateLimits: holds(scopes, '*') ? [] : rateLimits,
  maxConcurrent: holds(scopes, '*') ? null : maxConcurrent,
});

/** A rotated key is replaced. It gets no more time than its grace. */
export const isLater = (after: ApiKey, before: ApiKey) =>
  (after.expiresAt ?? Number.POSITIVE_INFINITY) > (before.expiresAt ?? Number.POSITIVE_INFINITY);
