/** How numbers, times and durations read. Times are in seconds since 1970, as the API sends them. */

const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' });
const TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const NUMBER = new Intl.NumberFormat('en-GB');
const RELATIVE = new Intl.RelativeTimeFormat('en-GB', { numeric: 'auto' });

type Unit = readonly [name: 'year' | 'month' | 'day' | 'hour' | 'minute', seconds: number, from: number];

/** From how many seconds on a unit is used. "45 days" says more than "1 month". */
const UNITS: readonly Unit[] = [
  ['year', 31_557_600, 63_115_200],
  ['month', 2_629_800, 5_259_600],
  ['day', 86_400, 86_400],
  ['hour', 3_600, 3_600],
  ['minute', 60, 60],
];

export const number = (value: number) => NUMBER.format(value);
export const date = (at: number) => DATE.format(at * 1000);
export const time = (at: number) => TIME.format(at * 1000);

/** The clock of the service may be ahead of that of the browser: what has just happened is not to come. In seconds. */
const CLOCKS_DIFFER_BY = 10;

/** "3 days ago", "in 2 hours", "just now". */
export function relative(at: number, now: number = Date.now() / 1000): string {
  const difference = at - now;
  const size = Math.abs(difference);
  const unit = UNITS.find(([, , from]) => size >= from);
  if (!unit) return difference > CLOCKS_DIFFER_BY ? 'in less than a minute' : 'just now';
  return RELATIVE.format(Math.round(difference / unit[1]), unit[0]);
}

/** "1 key", "1,204 keys". */
export const count = (value: number, one: string, many: string = `${one}s`) =>
  `${number(value)} ${value === 1 ? one : many}`;

/** "45 seconds", "15 minutes". */
export function wait(seconds: number): string {
  const unit = UNITS.find(([, , from]) => seconds >= from);
  return unit ? count(Math.ceil(seconds / unit[1]), unit[0]) : count(Math.ceil(seconds), 'second');
}
