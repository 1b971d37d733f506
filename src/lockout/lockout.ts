import type { Clock } from '../lib/clock.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import { allocateLockout, openSharedTable } from './shared-table.ts';

export type LockoutPolicy = Readonly<{ attempts: number; seconds: number }>;

/** Whether a guess was right. */
export type Guess = { ok: boolean };

/**
 * What became of a guess. `remaining` is how many more failures the address has before it is locked, undefined where
 * nothing is counted. `locked`: nobody may be told what came of it.
 */
export type AttemptOutcome<T> =
  | { state: 'locked'; retryAfter: number }
  | { state: 'counted'; remaining: number | undefined; result: T };

export type Lockout = {
  /** Whole seconds until the address may try again; 0 when it is not locked. */
  retryAfter(address: string): number;
  /** How many failures the address has left. */
  remaining(address: string): number;
  /**
   * Counts a guess that was evaluated already. An address that was locked meanwhile, by another thread, is told so and
   * not what came of it: of many guesses at once, in however many threads, never more are told than it has failures.
   */
  settle<T extends Guess>(address: string | undefined, result: T): AttemptOutcome<T>;
  /**
   * Evaluates a guess and counts it: by a `look` where that can tell, and otherwise by `prove`, which is expensive. For
   * that a place is reserved first: of many guesses at once, no thread proves more than the address has failures left,
   * and the others wait for a verdict. What is thrown counts as no attempt.
   */
  attempt<T extends Guess>(
    address: string | undefined,
    look: () => MaybePromise<T | undefined>,
    prove: () => Promise<T>,
  ): MaybePromise<AttemptOutcome<T>>;
};

/** How others who serve from the same database are told of locks, and tell of theirs. */
export type LockBulletin = {
  announce(notice: string): void;
  subscribe(hear: (notice: string) => void): void;
};

const NOTICE = /^locked (\d{1,5}) ([\w.:/]{1,24})$/;

/** Guesses under way from one address, in this thread. */
type Place = { reserved: number; waiting: (() => void)[] };

const MAX_ADDRESSES = 100_000;

/** Memory for a lockout that several threads share. */
export const lockoutMemory = ({ attempts }: LockoutPolicy, addresses = MAX_ADDRESSES) =>
  allocateLockout(attempts, addresses);

/** Counts failed attempts by address, in memory that is bounded and may be shared with other threads. */
export function createLockout(
  policy: LockoutPolicy,
  clock: Clock,
  memory = lockoutMemory(policy),
  bulletin?: LockBulletin,
): Lockout {
  const duration = policy.seconds * 1_000;
  const table = openSharedTable(memory);
  const places = new Map<string, Place>();

  const secondsLocked = (place: number, now: number) =>
    Math.ceil(Math.max(0, table.lockedUntil(place) - now) / 1_000);

  function retryAfter(address: string): number {
    if (table.isEmpty()) return 0;
    return table.exclusively(() => {
      const place = table.find(address);
      return place === undefined ? 0 : secondsLocked(place, clock.monotonic());
    });
  }

  function remaining(address: string): number {
    if (table.isEmpty()) return policy.attempts;
    return table.exclusively(() => {
      const place = table.find(address);
      if (place === undefined) return policy.attempts;
      return policy.attempts - table.failuresSince(place, clock.monotonic() - duration);
    });
  }

  function settle<T extends Guess>(address: string | undefined, result: T): AttemptOutcome<T> {
    const outcome = count(address, result);
    if (address !== undefined && !result.ok && outcome.state === 'counted' && outcome.remaining === 0) {
      bulletin?.announce(`locked ${policy.seconds} ${address}`);
    }
    return outcome;
  }

  function count<T extends Guess>(address: string | undefined, result: T): AttemptOutcome<T> {
    const counted = (remaining: number | undefined) => ({ state: 'counted' as const, remaining, result });
    if (address === undefined) return counted(undefined);
    if (result.ok && table.isEmpty()) return counted(policy.attempts);
    return table.exclusively(() => {
      const now = clock.monotonic();
      const place = result.ok ? table.find(address) : table.claim(address, now);
      if (place === undefined) return counted(policy.attempts);
      const seconds = secondsLocked(place, now);
      if (seconds > 0) return { state: 'locked', retryAfter: seconds };
      if (result.ok) {
        table.free(place);
        return counted(policy.attempts);
      }
      const left = policy.attempts - table.failuresSince(place, now - duration) - 1;
      table.addFailure(place, now);
      if (left === 0) table.lock(place, now + duration);
      return counted(left);
    });
  }

  /** Takes a place for an attempt, waiting while all are taken; undefined once the address is locked. */
  async function reserve(address: string): Promise<Place | undefined> {
    for (;;) {
      if (retryAfter(address) > 0) return undefined;
      const place = places.get(address) ?? { reserved: 0, waiting: [] };
      places.set(address, place);
      if (place.reserved < remaining(address)) {
        place.reserved++;
        return place;
      }
      await new Promise<void>((resolve) => place.waiting.push(resolve));
    }
  }

  /** Gives a place back. Who waits looks for itself whether there is one for it now. */
  function release(address: string, place: Place): void {
    place.reserved--;
    if (place.reserved === 0) places.delete(address);
    for (const wake of place.waiting.splice(0)) wake();
  }

  async function attemptInTime<T extends Guess>(
    address: string | undefined,
    evaluate: () => Promise<T>,
  ): Promise<AttemptOutcome<T>> {
    if (address === undefined) return settle(address, await evaluate());
    const place = await reserve(address);
    if (!place) return { state: 'locked', retryAfter: Math.max(1, retryAfter(address)) };
    try {
      return settle(address, await evaluate());
    } finally {
      release(address, place);
    }
  }

  bulletin?.subscribe((notice) => {
    const [, seconds, address] = NOTICE.exec(notice) ?? [];
    if (address === undefined || policy.attempts === 0) return;
    table.exclusively(() => {
      const now = clock.monotonic();
      const place = table.claim(address, now);
      const until = now + Math.min(Number(seconds) * 1_000, duration);
      if (until > table.lockedUntil(place)) table.lock(place, until);
    });
  });

  return {
    retryAfter,
    remaining,
    settle,

    attempt: (address, look, prove) =>
      andThen(look(), (result) => (result ? settle(address, result) : attemptInTime(address, prove))),
  };
}
