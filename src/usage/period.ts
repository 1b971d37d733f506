import type { FieldError } from '../lib/failure.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

const HOURS_KEPT_DAYS = 7;
const MAX_BUCKETS = 1_000;

/** The sizes of a bucket, in milliseconds. All buckets begin at whole hours or days of UTC. */
export const BUCKETS = { hour: HOUR_MS, day: DAY_MS } as const;

export type Bucket = keyof typeof BUCKETS;

/** The start of the bucket that contains a time; times in milliseconds since 1970. */
export const startOf = (at: number, bucketMs: number) => Math.floor(at / bucketMs) * bucketMs;

/** Hours that begin before this time are summed up into days. It is the start of a day. */
export const hoursKeptSince = (now: number) => startOf(now - HOURS_KEPT_DAYS * DAY_MS, DAY_MS);

/** What was counted before this time is removed. @param days 0 keeps nothing */
export const keptSince = (now: number, days: number) =>
  days === 0 ? Number.MAX_SAFE_INTEGER : startOf(now, DAY_MS) - days * DAY_MS;

/** Times in milliseconds since 1970. What is absent has a default. */
export type WantedPeriod = Readonly<{
  from?: number | undefined;
  to?: number | undefined;
  bucket?: Bucket | undefined;
}>;

/** The starts of all buckets, the oldest first. */
export type Period = Readonly<{ bucket: Bucket; starts: readonly number[] }>;

/** The buckets that overlap the time from `from` until just before `to`: the last 24 hours by default. */
export function periodOf(wanted: WantedPeriod, now: number): Period | FieldError {
  const { to = now } = wanted;
  const { from = to - DAY_MS } = wanted;
  if (from >= to) return { path: 'from', message: 'must be before to' };
  const areHoursKept = from >= hoursKeptSince(now);
  const isShort = to - from <= HOURS_KEPT_DAYS * DAY_MS;
  const { bucket = areHoursKept && isShort ? 'hour' : 'day' } = wanted;
  if (bucket === 'hour' && !areHoursKept)
    return {
      path: 'bucket',
      message: `must be day when from is more than ${HOURS_KEPT_DAYS} days ago, because older hours are summed up into days`,
    };
  const size = BUCKETS[bucket];
  const first = startOf(from, size);
  const count = Math.ceil((to - first) / size);
  if (count > MAX_BUCKETS)
    return { path: 'from', message: `must be at most ${MAX_BUCKETS} buckets before to` };
  return { bucket, starts: Array.from({ length: count }, (_, i) => first + i * size) };
}
