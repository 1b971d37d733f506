import type { Clock } from '../lib/clock.ts';
import { type Attempt, type AttemptDigest, attemptDigest, type Outcome } from './attempt.ts';
import { openKnownKeys } from './known-keys.ts';
import { listEntries } from './listing.ts';
import { allocateLockout, type LockoutMemory } from './memory.ts';
import { createPlaces } from './places.ts';
import { openSharedTable } from './shared-table.ts';
import type { LockoutEntry } from './wire.ts';

/**
 * `by`: with `address`, each failed attempt of an address counts, and nothing passes from a locked address. With
 * `address+key`, the same credential counts once, and a credential that was valid from there within a day still passes.
 */
export type LockoutPolicy = Readonly<{ attempts: number; seconds: number; by: 'address' | 'address+key' }>;

/** The address is locked out for `retryAfter` more seconds. No client may learn the result of its attempt. */
export type Locked = { state: 'locked'; retryAfter: number };

/** `remaining`: how many more failures lock the address out; undefined when nothing counts. */
export type Counted = { state: 'counted'; remaining: number | undefined };

/** Counts attempts by address. With an `undefined` address, nothing counts. */
export type Lockout = {
  /** How many failures lock an address out; 0 when nothing counts. */
  attempts: number;
  /** Whole seconds until the address may try again; 0 when it is not locked. */
  retryAfter(address: string | undefined): number;
  /** How many more failures lock the address out; undefined when nothing counts. */
  remaining(address: string | undefined): number | undefined;
  /**
   * Whether to evaluate an attempt although its address is locked. Its credential was valid from there, and may be
   * revoked since.
   */
  isKnown(attempt: Attempt): boolean;
  /**
   * Records an attempt whose outcome is known. If another thread has locked the address by then, the result is `locked`.
   * So with many attempts at once, in any number of threads, the address learns no more results than it has failures
   * left.
   */
  record(attempt: Attempt, outcome: Outcome): Locked | Counted;
  /**
   * Runs `work`, which evaluates a slow attempt and records it, when there is a place for it. Of many attempts at once,
   * each thread evaluates no more than the address has failures left. The others wait for a place. When `work` throws,
   * the attempt does not count.
   */
  reserve<T>(attempt: Attempt, work: () => Promise<T>): Promise<T | Locked>;
  /** The locked addresses, then those with failures. At most `limit`. */
  list(limit: number): Promise<LockoutEntry[]>;
  /** What is known of one address. */
  entryOf(address: string): LockoutEntry;
  /** Ends the lock of an address and forgets its failures, here and in the other processes. */
  clear(address: string): void;
};

/** Sends locks to the other processes on the same database. The lockout does not know the database itself. */
export type LockNotifier = {
  notify(message: string): void;
  subscribe(onMessage: (message: string) => void): void;
};

const MESSAGE = /^(?:locked (\d{1,5})|cleared) (\S+)$/;

/** For a policy of 0 attempts: nothing counts. */
const off: Lockout = {
  attempts: 0,
  retryAfter: () => 0,
  remaining: () => undefined,
  isKnown: () => false,
  record: () => ({ state: 'counted', remaining: undefined }),
  reserve: (_, work) => work(),
  list: async () => [],
  entryOf: (address) => ({ address, failures: 0, lockedUntil: null }),
  clear: () => undefined,
};

/**
 * A lockout in bounded memory, which threads can share. It is off for a policy of 0 attempts.
 * @param onLocked called once for each lock, in the process that counted the failures
 */
export function createLockout(
  policy: LockoutPolicy,
  clock: Clock,
  memory: LockoutMemory = allocateLockout(policy),
  notifier?: LockNotifier,
  onLocked?: (entry: LockoutEntry) => void,
): Lockout {
  if (policy.attempts === 0) return off;
  const duration = policy.seconds * 1_000;
  const isByKey = policy.by === 'address+key';
  const table = openSharedTable(memory.table);
  const known = openKnownKeys(memory.known);
  const digestOf = attemptDigest(memory.secret);
  const takePlace = createPlaces();
  const untouched: Counted = { state: 'counted', remaining: policy.attempts };

  const secondsLocked = (place: number, now: number) =>
    Math.ceil(Math.max(0, table.lockedUntil(place) - now) / 1_000);

  function retryAfter(address: string | undefined): number {
    if (address === undefined || table.isEmpty()) return 0;
    return table.exclusively(() => {
      const place = table.find(address);
      return place === undefined ? 0 : secondsLocked(place, clock.monotonic());
    });
  }

  function remainingOf(address: string): number {
    if (table.isEmpty()) return policy.attempts;
    return table.exclusively(() => {
      const place = table.find(address);
      if (place === undefined) return policy.attempts;
      return policy.attempts - table.failuresSince(place, clock.monotonic() - duration);
    });
  }

  function isKnown(attempt: Attempt): boolean {
    if (!isByKey || attempt.address === undefined) return false;
    const digest = digestOf(attempt);
    return table.exclusively(() => known.has(digest, clock.monotonic()));
  }

  function record(attempt: Attempt, outcome: Outcome): Locked | Counted {
    const { address } = attempt;
    if (address === undefined) return { state: 'counted', remaining: undefined };
    if (outcome === 'valid' && !isByKey && table.isEmpty()) return untouched;
    // An undecided credential is sent again until it is decided. This must not use up all attempts.
    const digest = isByKey || outcome === 'undecided' ? digestOf(attempt) : undefined;
    const recorded = table.exclusively(() =>
      outcome === 'valid' ? accept(address, digest) : count(address, digest, outcome),
    );
    if (outcome !== 'valid' && recorded.state === 'counted' && recorded.remaining === 0) {
      notifier?.notify(`locked ${policy.seconds} ${address}`);
      onLocked?.({ address, failures: policy.attempts, lockedUntil: clock.now() + duration });
    }
    return recorded;
  }

  function accept(address: string, digest: AttemptDigest | undefined): Locked | Counted {
    const now = clock.monotonic();
    const place = table.find(address);
    const seconds = place === undefined ? 0 : secondsLocked(place, now);
    if (seconds > 0 && (digest === undefined || !known.has(digest, now)))
      return { state: 'locked', retryAfter: seconds };
    if (digest !== undefined) known.remember(digest, now);
    // A known credential passes a lock and does not end it, because a guesser at that address may know it too.
    if (place !== undefined && seconds === 0) table.free(place);
    return untouched;
  }

  function count(address: string, digest: AttemptDigest | undefined, outcome: Outcome): Locked | Counted {
    const now = clock.monotonic();
    if (digest !== undefined && outcome === 'invalid') known.forget(digest);
    const place = table.claim(address, now);
    const seconds = secondsLocked(place, now);
    if (seconds > 0) return { state: 'locked', retryAfter: seconds };
    const left = policy.attempts - table.failuresSince(place, now - duration);
    if (digest !== undefined && table.hasFailed(place, digest)) return { state: 'counted', remaining: left };
    table.addFailure(place, now, digest);
    if (left === 1) table.lock(place, now + duration);
    return { state: 'counted', remaining: left - 1 };
  }

  function entryAt(place: number | undefined, address: string): LockoutEntry {
    if (place === undefined) return { address, failures: 0, lockedUntil: null };
    const now = clock.monotonic();
    const left = table.lockedUntil(place) - now;
    // A lock replaces the failures that led to it.
    if (left > 0) return { address, failures: policy.attempts, lockedUntil: clock.now() + left };
    return { address, failures: table.countSince(place, now - duration), lockedUntil: null };
  }

  function forget(address: string): void {
    table.exclusively(() => {
      const place = table.find(address);
      if (place !== undefined) table.free(place);
    });
  }

  notifier?.subscribe((message) => {
    const [, seconds, address] = MESSAGE.exec(message) ?? [];
    if (address === undefined || !table.fits(address)) return;
    if (seconds === undefined) return forget(address);
    table.exclusively(() => {
      const now = clock.monotonic();
      const place = table.claim(address, now);
      const until = now + Math.min(Number(seconds) * 1_000, duration);
      if (until > table.lockedUntil(place)) table.lock(place, until);
    });
  });

  return {
    attempts: policy.attempts,
    retryAfter,
    remaining: (address) => (address === undefined ? undefined : remainingOf(address)),
    isKnown,
    record,

    async reserve(attempt, work) {
      const { address } = attempt;
      if (address === undefined) return work();
      const mayNotPass = () => retryAfter(address) > 0 && !isKnown(attempt);
      const place = await takePlace(address, () => (mayNotPass() ? undefined : remainingOf(address)));
      if (!place) return { state: 'locked', retryAfter: Math.max(1, retryAfter(address)) };
      try {
        return await work();
      } finally {
        place.giveBack();
      }
    },

    list: (limit) => listEntries(table, (place) => entryAt(place, table.nameOf(place)), limit),
    entryOf: (address) => table.exclusively(() => entryAt(table.find(address), address)),
    clear(address) {
      forget(address);
      notifier?.notify(`cleared ${address}`);
    },
  };
}
