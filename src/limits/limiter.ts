import type { KeyId } from '../lib/brand.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { RateLimit } from '../lib/rate-limit.ts';
import type { Consumption } from './window.ts';

export type { Consumption };

/** Counts verifications. Everything that counts for one key must ask with the same id. */
export type Limiter = {
  /**
   * Asks for one verification.
   * @param rootId the first key of the chain of rotations, so that a key that rotates itself keeps its windows
   * @param cost 0: only asks, takes nothing, and passes
   */
  consume(rootId: KeyId, limits: readonly RateLimit[], cost: number): MaybePromise<Consumption>;
  /** Writes what is in memory. */
  close(): Promise<void>;
};
