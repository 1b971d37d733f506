import type { Clock } from '../lib/clock.ts';
import { allocateLockout, openSharedTable } from './shared-table.ts';

export type LockoutPolicy = Readonly<{ attempts: number; seconds: number }>;

/** The address is locked out for `retryAfter` more seconds. No client may learn the result of its attempt. */
export type Locked = { state: 'locked'; retryAfter: number };

/** `remaining`: failures that the address has left before it is locked; undefined where nothing is counted. */
export type Counted = { state: 'counted'; remaining: number | undefined };

/** Counts attempts by address. An `undefined` address is never counted. */
export type Lockout = {
  /** Whole seconds until the address may try again; 0 when it is not locked. */
  retryAfter(address: string | undefined): number;
  /** How many failures the address has left; undefined where nothing is counted. */
  remaining(address: string | undefined): number | undefined;
  /**
   * Records an attempt whose result is known. Where another thread has locked the address in the meantime, the result
   * is `locked`. So of many attempts at once, in any number of threads, the address learns the results of no more
   * than it has failures left.
   */
  record(address: string | undefined, isValid: boolean): Locked | Counted;
  /**
   * Runs `work`, which evaluates an attempt at some cost and records it, once there is a place for it. Of many attempts
   * at once, each thread evaluates no more than the address has failures left. The others wait for a place. What
   * `work` throws counts as no attempt.
   */
  reserve<T>(address: string | undefined, work: () => Promise<T>): Promise<T | Locked>;
};

/** Sends locks to the other processes on the same database. The lockout does not know the database itself. */
export type LockNotifier = {
  notify(message: string): void;
  subscribe(onMessage: (message: string) => void): void;
};

const MESSAGE = /^locked (\d{1,5}) ([\w.:/]{1,24})$/;

/** Attempts under way from one address, in this thread. */
type Reservations = { taken: number; waiting: (() => void)[] };

const MAX_ADDRESSES = 100_000;

/** Memory for a lockout that several threads share. */
export const lockoutMemory = ({ attempts }: LockoutPolicy, addresses = MAX_ADDRESSES) =>
  allocateLockout(attempts, addresses);

/** With no attempts, nothing is ever counted. */
const off: Lockout = {
  retryAfter: () => 0,
  remaining: () => undefined,
  record: () => ({ state: 'counted', remaining: undefined }),
  reserve: (_, work) => work(),
};

/** A lockout in memory that is bounded and may be shared with other threads. It is off for a policy of 0 attempts. */
export function createLockout(
  policy: LockoutPolicy,
  clock: Clock,
  memory = lockoutMemory(policy),
  notifier?: LockNotifier,
): Lockout {
  if (policy.attempts === 0) return off;
  const duration = policy.seconds * 1_000;
  const table = openSharedTable(memory);
  const reservations = new Map<string, Reservations>();

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

  function record(address: string | undefined, isValid: boolean): Locked | Counted {
    if (address === undefined) return { state: 'counted', remaining: undefined };
    if (isValid && table.isEmpty()) return { state: 'counted', remaining: policy.attempts };
    const recorded = table.exclusively(() => count(address, isValid));
    if (!isValid && recorded.state === 'counted' && recorded.remaining === 0) {
      notifier?.notify(`locked ${policy.seconds} ${address}`);
    }
    return recorded;
  }

  function count(address: string, isValid: boolean): Locked | Counted {
    const now = clock.monotonic();
    const place = isValid ? table.find(address) : table.claim(address, now);
    if (place === undefined) return { state: 'counted', remaining: policy.attempts };
    const seconds = secondsLocked(place, now);
    if (seconds > 0) return { state: 'locked', retryAfter: seconds };
    if (isValid) {
      table.free(place);
      return { state: 'counted', remaining: policy.attempts };
    }
    const remaining = policy.attempts - table.failuresSince(place, now - duration) - 1;
    table.addFailure(place, now);
    if (remaining === 0) table.lock(place, now + duration);
    return { state: 'counted', remaining };
  }

  /** Takes a place for an attempt, and waits while all are taken; undefined once the address is locked. */
  async function takePlace(address: string): Promise<Reservations | undefined> {
    for (;;) {
      if (retryAfter(address) > 0) return undefined;
      const ofAddress = reservations.get(address) ?? { taken: 0, waiting: [] };
      reservations.set(address, ofAddress);
      if (ofAddress.taken < remainingOf(address)) {
        ofAddress.taken++;
        return ofAddress;
      }
      await new Promise<void>((resolve) => ofAddress.waiting.push(resolve));
    }
  }

  /** Gives a place back. Each waiting attempt then checks whether there is a place for it. */
  function givePlaceBack(address: string, ofAddress: Reservations): void {
    ofAddress.taken--;
    if (ofAddress.taken === 0) reservations.delete(address);
    for (const wake of ofAddress.waiting.splice(0)) wake();
  }

  notifier?.subscribe((message) => {
    const [, seconds, address] = MESSAGE.exec(message) ?? [];
    if (address === undefined) return;
    table.exclusively(() => {
      const now = clock.monotonic();
      const place = table.claim(address, now);
      const until = now + Math.min(Number(seconds) * 1_000, duration);
      if (until > table.lockedUntil(place)) table.lock(place, until);
    });
  });

  return {
    retryAfter,
    remaining: (address) => (address === undefined ? undefined : remainingOf(address)),
    record,

    async reserve(address, work) {
      if (address === undefined) return work();
      const ofAddress = await takePlace(address);
      if (!ofAddress) return { state: 'locked', retryAfter: Math.max(1, retryAfter(address)) };
      try {
        return await work();
      } finally {
        givePlaceBack(address, ofAddress);
      }
    },
  };
}
