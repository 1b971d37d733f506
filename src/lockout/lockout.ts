import type { Clock } from '../lib/clock.ts';

export type LockoutPolicy = Readonly<{ attempts: number; seconds: number }>;

/** What became of one attempt. `remaining` is how many more failures the address has before it is locked. */
export type AttemptOutcome<T> =
  | { state: 'locked'; retryAfter: number }
  | { state: 'evaluated'; result: T; remaining: number };

export type Lockout = {
  /** Whole seconds until the address may try again; 0 when it is not locked. */
  retryAfter(address: string): number;
  /** How many failures the address has left. */
  remaining(address: string): number;
  /**
   * Evaluates one guess from `address` unless it is locked, and counts the outcome. A place is reserved before
   * `evaluate` is called: of many guesses at once, never more are evaluated than the address has failures left, and
   * the others wait for a verdict. What `evaluate` throws counts as no attempt.
   */
  attempt<T extends { ok: boolean }>(address: string, evaluate: () => Promise<T>): Promise<AttemptOutcome<T>>;
};

const MAX_ADDRESSES = 100_000;

type Entry = {
  /** Monotonic milliseconds of the failures that may still count, oldest first. */
  failures: number[];
  reserved: number;
  waiting: (() => void)[];
};

/** Dropping such an entry would leave those who wait at it waiting for ever. */
const isInUse = (entry: Entry) => entry.reserved > 0 || entry.waiting.length > 0;

/**
 * Counts failed attempts by address, in memory. Two maps, each in the order in which its entries were last
 * touched, keep it bounded: when it is full, the address that tried longest ago leaves, and a locked one only when
 * there is no other.
 */
export function createLockout(policy: LockoutPolicy, clock: Clock, maxAddresses = MAX_ADDRESSES): Lockout {
  const duration = policy.seconds * 1_000;
  const counting = new Map<string, Entry>();
  /** Monotonic milliseconds at which each lock ends; all last equally long, so the first to end stands first. */
  const locked = new Map<string, number>();

  function retryAfter(address: string): number {
    const end = locked.get(address);
    if (end === undefined) return 0;
    const left = end - clock.monotonic();
    if (left > 0) return Math.ceil(left / 1_000);
    locked.delete(address);
    return 0;
  }

  function recentFailures(entry: Entry | undefined): number {
    if (!entry) return 0;
    const since = clock.monotonic() - duration;
    while (entry.failures[0] !== undefined && entry.failures[0] <= since) entry.failures.shift();
    return entry.failures.length;
  }

  function makeRoom(): void {
    if (counting.size + locked.size <= maxAddresses) return;
    for (const [address, entry] of counting) {
      if (isInUse(entry)) continue;
      counting.delete(address);
      return;
    }
    for (const address of locked.keys()) {
      locked.delete(address);
      return;
    }
  }

  function lock(address: string): void {
    counting.delete(address);
    locked.delete(address);
    locked.set(address, clock.monotonic() + duration);
    makeRoom();
  }

  /** Takes a place for an attempt, waiting while all are taken; undefined once the address is locked. */
  async function reserve(address: string): Promise<Entry | undefined> {
    for (;;) {
      if (retryAfter(address) > 0) return undefined;
      const entry = counting.get(address) ?? { failures: [], reserved: 0, waiting: [] };
      if (recentFailures(entry) + entry.reserved < policy.attempts) {
        entry.reserved++;
        counting.delete(address);
        counting.set(address, entry);
        makeRoom();
        return entry;
      }
      await new Promise<void>((resolve) => entry.waiting.push(resolve));
    }
  }

  /** Gives a place back, and wakes as many as there are places now; all when nobody is left to wake them later. */
  function release(address: string, entry: Entry): void {
    entry.reserved--;
    const places = policy.attempts - entry.reserved - recentFailures(entry);
    const isOver = locked.has(address) || entry.reserved === 0;
    for (const wake of entry.waiting.splice(0, isOver ? entry.waiting.length : places)) wake();
    const isForgotten = !isInUse(entry) && entry.failures.length === 0;
    if (isForgotten && counting.get(address) === entry) counting.delete(address);
  }

  return {
    retryAfter,
    remaining: (address) => policy.attempts - recentFailures(counting.get(address)),

    async attempt(address, evaluate) {
      const entry = await reserve(address);
      if (!entry) return { state: 'locked', retryAfter: Math.max(1, retryAfter(address)) };
      try {
        const result = await evaluate();
        if (result.ok) entry.failures.length = 0;
        else entry.failures.push(clock.monotonic());
        const remaining = policy.attempts - recentFailures(entry);
        if (remaining === 0) lock(address);
        return { state: 'evaluated', result, remaining };
      } finally {
        release(address, entry);
      }
    },
  };
}
