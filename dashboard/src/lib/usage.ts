import type { InferResponseType } from 'hono/client';
import type { api } from './api.ts';

export type UsageBucket = InferResponseType<typeof api.auth.usage.$get, 200>['buckets'][number];
export type BucketSize = 'hour' | 'day';

const SECONDS = { hour: 3_600, day: 86_400 } as const;

/** How many verifications ended in which way. `limited`: those over a rate limit, which are not among the refused. */
export type Outcomes = { valid: number; refused: number; limited: number };

/** The verifications of an hour or a day. `start` in seconds since 1970; `reasons`: the refusals by code. */
export type Bar = Outcomes & { start: number; reasons: Record<string, number> };

/** In the order of the colours of a bar, from below. */
export const OUTCOME_NAMES = [
  ['valid', 'Valid'],
  ['refused', 'Refused'],
  ['limited', 'Rate limited'],
] as const satisfies [keyof Outcomes, string][];

const LIMITED = 'RATE_LIMITED';

const REASONS: Record<string, string> = {
  INACTIVE: 'key inactive',
  EXPIRED: 'key expired',
  IP_NOT_ALLOWED: 'address not allowed',
  INSUFFICIENT_SCOPE: 'scope missing',
};

/** What an answer of the service counts, by the outcomes that a chart shows. */
export function outcomesOf({
  valid,
  refused: byCode,
}: Pick<UsageBucket, 'valid' | 'refused'>): Outcomes & Pick<Bar, 'reasons'> {
  const { [LIMITED]: limited = 0, ...reasons } = byCode;
  return { valid, limited, refused: sum(Object.values(reasons)), reasons };
}

/** "key expired: 3, scope missing: 1" */
export const reasonsInWords = (reasons: Bar['reasons']) =>
  Object.entries(reasons)
    .map(([code, count]) => `${REASONS[code] ?? code}: ${count}`)
    .join(', ');

/** One bar for each hour or day, the oldest first. Where the answer has a gap, nothing was counted. */
export function barsOf(buckets: readonly UsageBucket[], size: BucketSize): Bar[] {
  const found = new Map(buckets.map((bucket) => [bucket.start, bucket]));
  const starts = [...found.keys()].sort((a, b) => a - b);
  const [first, last] = [starts[0], starts.at(-1)];
  if (first === undefined || last === undefined) return [];
  const length = Math.round((last - first) / SECONDS[size]) + 1;
  return Array.from({ length }, (_, index) => {
    const start = first + index * SECONDS[size];
    return { start, ...outcomesOf(found.get(start) ?? { valid: 0, refused: {} }) };
  });
}

export function totalOf(bars: readonly Bar[]): Outcomes & Pick<Bar, 'reasons'> {
  const reasons: Bar['reasons'] = {};
  for (const bar of bars)
    for (const [code, count] of Object.entries(bar.reasons)) reasons[code] = (reasons[code] ?? 0) + count;
  const of = (name: keyof Outcomes) => sum(bars.map((bar) => bar[name]));
  return { valid: of('valid'), refused: of('refused'), limited: of('limited'), reasons };
}

export const sizeOf = ({ valid, refused, limited }: Outcomes) => valid + refused + limited;

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** The query for the last so many hours or days. The current one is the last of them. */
export function lastBuckets(count: number, size: BucketSize, now: number = Date.now() / 1_000) {
  const current = Math.floor(now / SECONDS[size]) * SECONDS[size];
  return { bucket: size, from: String(current - (count - 1) * SECONDS[size]) };
}
