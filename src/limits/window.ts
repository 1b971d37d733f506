import type { LimitState, RateLimit } from '../lib/rate-limit.ts';

/** A window that is open, or was. The times are milliseconds of one clock. */
export type Window = Readonly<{ openedAt: number; endsAt: number; used: number }>;

/** The result of asking for a verification, and what is left of each limit. */
export type Consumption = Readonly<{
  isAllowed: boolean;
  /**
   * Whole seconds until so many windows have ended that the same request passes; 0 when it is allowed, and infinite when it
   * costs more than a limit, so that it never passes.
   */
  retryAfter: number;
  states: readonly LimitState[];
}>;

/**
 * The window as it counts now; undefined when it has ended. The limit may have another length since: the window then
 * ends as if it had always had that. When somebody has set the clock back, the window opens now, so that it does not
 * last longer than its length.
 */
export function stillOpen(
  window: Window | undefined,
  { windowMs }: Pick<RateLimit, 'windowMs'>,
  now: number,
): Window | undefined {
  if (!window) return undefined;
  const ahead = Math.max(0, window.openedAt - now);
  const openedAt = window.openedAt - ahead;
  if (window.endsAt - ahead <= now || openedAt + windowMs <= now) return undefined;
  return { openedAt, endsAt: openedAt + windowMs, used: window.used };
}

/**
 * Decides about one request. It passes when every limit has `cost` left, and takes that from all of them. A request that
 * is refused takes nothing from any. With the cost 0, it only asks: it passes, and opens no window.
 * @param windows one for each limit, as they were stored
 * @returns also the windows to store
 */
export function consume(
  limits: readonly RateLimit[],
  windows: readonly (Window | undefined)[],
  cost: number,
  now: number,
): Consumption & { windows: readonly (Window | undefined)[] } {
  const open = limits.map((limit, i) => stillOpen(windows[i], limit, now));
  const isAllowed = cost === 0 || limits.every((limit, i) => cost <= limit.limit - usedIn(open[i]));
  const after = isAllowed && cost > 0 ? limits.map((limit, i) => take(open[i], limit, cost, now)) : open;
  const states = limits.map((limit, i) => stateOf(limit, after[i], now));
  return { isAllowed, retryAfter: isAllowed ? 0 : secondsToWait(states, cost), states, windows: after };
}

const usedIn = (window: Window | undefined) => window?.used ?? 0;

const take = (open: Window | undefined, { windowMs }: RateLimit, cost: number, now: number): Window =>
  open ? { ...open, used: open.used + cost } : { openedAt: now, endsAt: now + windowMs, used: cost };

const stateOf = (limit: RateLimit, open: Window | undefined, now: number): LimitState => ({
  ...limit,
  remaining: Math.max(0, limit.limit - usedIn(open)),
  // The clock has fractions, and a sum of them can be rounded up: whole seconds would then be one more than the window.
  resetMs: open ? Math.min(limit.windowMs, open.endsAt - now) : 0,
});

function secondsToWait(states: readonly LimitState[], cost: number): number {
  let longest = 0;
  for (const { limit, remaining, resetMs } of states) {
    if (limit < cost) return Number.POSITIVE_INFINITY;
    if (remaining < cost) longest = Math.max(longest, resetMs);
  }
  return Math.ceil(longest / 1_000);
}
