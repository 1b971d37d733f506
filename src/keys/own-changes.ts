import { hash } from 'node:crypto';
import { type AccountId, KeyId } from '../lib/brand.ts';
import type { Actor } from '../lib/principal.ts';
import type { RateLimit } from '../lib/rate-limit.ts';
import { reachOf } from './reach.ts';
import { type Consume, countWithin } from './self-rotation.ts';

/**
 * Each change leaves an audit event. A key that is made or activated can be deactivated again, which is an event of
 * webhooks: all receivers wait for those before it.
 */
const LIMITS: readonly RateLimit[] = [
  { name: 'account:changes', limit: 300, window: '1h', windowMs: 60 * 60 * 1_000 },
];

/** 48 bits: a number that JavaScript holds exactly. */
const HEX_DIGITS = 12;

/** Limits count for numbers. No key has a limit of this name, so a key with the same number does not matter. */
const numberOf = (id: AccountId) => KeyId(Number.parseInt(hash('sha256', id).slice(0, HEX_DIGITS), 16));

/**
 * Counts a change by somebody who reaches only the keys of their own account, over all these keys. Nothing that makes a
 * key invalid is counted, so that it always works.
 * @throws DomainError `rate_limited`
 */
export async function countOwnChange(consume: Consume, actor: Actor): Promise<void> {
  const reach = reachOf(actor);
  if (reach.to === 'account') await countWithin(consume, numberOf(reach.id), LIMITS);
}
