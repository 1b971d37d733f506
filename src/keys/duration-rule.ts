import { z } from 'zod';
import { parseDuration } from '../lib/duration.ts';

const DAY_MS = 86_400_000;

const FORM =
  'a whole number and a unit without a space between them: s, m, h or d, like 45s, 30m, 12h or 90d';

type Range = Readonly<{ minMs: number; maxDays: number }>;

const inText = ({ minMs, maxDays }: Range) =>
  minMs === 0 ? `at most ${maxDays} days` : `from ${minMs / 1_000} second to ${maxDays} days`;

const toMs = (value: string | number) => (typeof value === 'number' ? value * 1_000 : parseDuration(value));

/** Why a value is no duration of the range. */
function explain(value: unknown, range: Range): string {
  if (value === undefined) return 'is required';
  if (typeof value === 'string') {
    if (/^\d+$/.test(value))
      return 'must have a unit: s, m, h or d, like 90d. Or send seconds as a number, without quotes';
    return parseDuration(value) === undefined ? `must be ${FORM}` : `must be ${inText(range)}`;
  }
  if (!Number.isInteger(value) || Number(value) < 0) return `must be ${FORM}. Or send whole seconds`;
  return `must be ${inText(range)}. A number is in seconds`;
}

/** A duration as text, or as whole seconds. */
export const duration = (range: Range) => {
  const error = ({ input }: { input?: unknown }) => explain(input, range);
  return z
    .union([z.string(), z.int()], { error })
    .refine(
      (value) => {
        const ms = toMs(value);
        return ms !== undefined && ms >= range.minMs && ms <= range.maxDays * DAY_MS;
      },
      { error },
    )
    .transform((value) => (typeof value === 'number' ? `${value}s` : value));
};

export const asMs = (text: string) => parseDuration(text) ?? 0;
