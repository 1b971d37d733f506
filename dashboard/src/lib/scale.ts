import type { BucketSize } from './usage.ts';

/** The numbers and times beside a chart. */

const LINES = 4;
const STEPS = [1, 2, 5, 10];

/** Round whole numbers from 0 to at least the maximum, a few of them. */
export function ticksUpTo(max: number): number[] {
  const size = 10 ** Math.floor(Math.log10(Math.max(1, max / LINES)));
  const step = (STEPS.find((each) => each * size * LINES >= max) ?? 10) * size;
  return Array.from({ length: Math.max(1, Math.ceil(max / step)) + 1 }, (_, index) => index * step);
}

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const LONG_DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeZone: 'UTC' });
const LOCAL_DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const HOUR = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' });
const LONG_HOUR = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short' });

const AT = (start: number) => new Date(start * 1_000);

/** "Thu 12 Nov, 10:00 to 11:00". Days are counted in UTC, and hours shown in the time of the reader. */
export function bucketInWords(start: number, size: BucketSize): string {
  if (size === 'day') return `${LONG_DAY.format(AT(start))} (UTC)`;
  return `${LONG_HOUR.format(AT(start))}, ${HOUR.format(AT(start))} to ${HOUR.format(AT(start + 3_600))}`;
}

const EVERY = { hour: [1, 2, 3, 6, 12, 24], day: [1, 2, 7, 14] } as const;
const LABEL_PX = 64;

/** Which bars have a label below, and what it says. @param px the width of a bar */
export function labelsOf(
  starts: readonly number[],
  size: BucketSize,
  px: number,
): [index: number, text: string][] {
  const every = EVERY[size].find((each) => each * px >= LABEL_PX) ?? EVERY[size].at(-1) ?? 1;
  return starts.flatMap((start, index): [number, string][] => {
    if (size === 'day')
      return (starts.length - 1 - index) % every === 0 ? [[index, DAY.format(AT(start))]] : [];
    const hour = AT(start).getHours();
    if (hour % every !== 0) return [];
    return [[index, hour === 0 ? LOCAL_DAY.format(AT(start)) : HOUR.format(AT(start))]];
  });
}
