import { z } from '@hono/zod-openapi';
import { parseDuration } from '../../lib/duration.ts';

const DAY_MS = 86_400_000;
const MAX_GRACE_DAYS = 90;
/** 9999-12-31T23:59:59Z: RFC 3339 has years of four digits. */
const MAX_SECONDS = 253_402_300_799;

/** RFC 3339, section 5.6. */
const dateTime = z
  .string()
  .transform((text) => text.toUpperCase())
  .pipe(z.iso.datetime({ offset: true, error: badTime }));

function badTime(): string {
  return 'must be a time as in RFC 3339, like 2030-01-31T12:00:00Z, or seconds since 1970';
}

const isTime = (seconds: number) => seconds >= 0 && seconds <= MAX_SECONDS;

const TimeSchema = z.union(
  [
    dateTime.transform((text) => Date.parse(text)),
    z
      .number()
      .refine(isTime)
      .transform((s) => Math.round(s * 1_000)),
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
  .transform((text) => (/^\d{1,12}(\.\d+)?$/.test(text) ? Number(text) : withSign(text)))
  .pipe(TimeSchema);

/** A duration as text, or as whole seconds. */
export const duration = (minMs: number, maxDays: number) => {
  const error = `must be a duration like 90d, 12h, 30m or 45s, or whole seconds: from ${minMs / 1_000} seconds to ${maxDays} days`;
  return z
    .union([z.string(), z.int({ error }).nonnegative({ error })], { error })
    .transform((value) => (typeof value === 'number' ? `${value}s` : value))
    .refine(
      (text) => {
        const ms = parseDuration(text);
        return ms !== undefined && ms >= minMs && ms <= maxDays * DAY_MS;
      },
      { error },
    );
};

export const asMs = (text: string) => parseDuration(text) ?? 0;

/** 100 years. */
export const ExpiresInSchema = duration(1_000, 36_525)
  .transform(asMs)
  .openapi({
    type: ['string', 'integer'],
    description:
      'When the key expires, from now: `90d`, `12h`, `30m`, `45s`, or seconds. In place of `expires_at`',
    example: '90d',
  });

export const GraceSchema = duration(0, MAX_GRACE_DAYS)
  .prefault('0s')
  .transform(asMs)
  .openapi({
    type: ['string', 'integer'],
    description: 'How long the old key stays valid. At most 90 days',
    default: '0s',
    example: '24h',
  });
