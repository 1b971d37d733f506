import { z } from '@hono/zod-openapi';

/** 9999-12-31T23:59:59.999Z: RFC 3339 has years of four digits. */
const MAX_TIME_MS = 253_402_300_799_999;

const FORM = 'must be a time as in RFC 3339, like 2030-01-31T12:00:00Z, or seconds since 1970';

/** Why a value is no time. Today's time in milliseconds, read as seconds, is after the year 9999. */
function badTime({ input }: { input?: unknown }): string {
  if (typeof input === 'string' && /^\d+$/.test(input)) return `${FORM} without quotes`;
  return typeof input === 'number' && asMilliseconds(input) > MAX_TIME_MS
    ? 'must be in seconds since 1970, not in milliseconds'
    : FORM;
}

/** RFC 3339, section 5.6. */
const dateTime = z
  .string()
  .transform((text) => text.toUpperCase())
  .pipe(z.iso.datetime({ offset: true, error: badTime }));

const asMilliseconds = (seconds: number) => Math.round(seconds * 1_000);
const isTime = (ms: number) => ms >= 0 && ms <= MAX_TIME_MS;

const TimeSchema = z.union(
  [
    dateTime
      .transform((text) => Date.parse(text))
      // An offset can move the last hours of the year 9999 into the next year.
      .refine((ms) => ms <= MAX_TIME_MS, { error: 'must be before the year 10000 in UTC' }),
    z
      .number()
      .refine((seconds) => isTime(asMilliseconds(seconds)), { error: badTime })
      .transform(asMilliseconds),
  ],
  { error: badTime },
);

export const ExpiresAtSchema = TimeSchema.nullable().openapi({
  type: ['string', 'number', 'null'],
  description: 'When the key expires: a time as in RFC 3339, or seconds since 1970. `null`: never',
  example: '2030-01-31T12:00:00Z',
});

/** In a query, "+" means a space, so an offset that is not percent-encoded arrives with a space in place of its sign. */
const withSign = (text: string) => text.replace(/ (?=\d\d:\d\d$)/, '+');

/** A time in a query string, in milliseconds since 1970. */
export const QueryTimeSchema = z
  .string({ error: 'must be given once' })
  .transform((text) => (/^\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : withSign(text)))
  .pipe(TimeSchema);
