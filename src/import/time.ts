/** 9999-12-31T23:59:59Z. A larger number of seconds is in milliseconds: those of today have 13 digits. */
const MAX_SECONDS = 253_402_300_799;

const ISO =
  /^(?<date>\d{4}-\d\d-\d\d)(?:[Tt ](?<time>\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)\s?(?<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?)?$/;

/**
 * A time as other systems write it: ISO 8601, or a number of seconds or milliseconds since 1970. Without a time zone, it is
 * in UTC.
 * @returns milliseconds since 1970; undefined when it is no time
 */
export function parseTime(value: unknown): number | undefined {
  if (typeof value === 'number') return fromNumber(value);
  if (typeof value !== 'string') return undefined;
  if (/^\d{1,16}(?:\.\d+)?$/.test(value)) return fromNumber(Number(value));
  const { date, time = '00:00', zone = 'Z' } = ISO.exec(value)?.groups ?? {};
  if (date === undefined) return undefined;
  // Date.parse() takes "+02:00" alone.
  const offset =
    zone.toUpperCase() === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`;
  const ms = Date.parse(`${date}T${time.replace(',', '.')}${offset}`);
  return isTime(ms) && isDay(date) ? ms : undefined;
}

function fromNumber(value: number): number | undefined {
  const ms = Math.round(value > MAX_SECONDS ? value : value * 1_000);
  return isTime(ms) ? ms : undefined;
}

const isTime = (ms: number) => ms >= 0 && ms <= MAX_SECONDS * 1_000;

/** Date.parse() takes the 30th of February for a day of March. */
const isDay = (date: string) => new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
