import type { Db } from '../db/tables.ts';
import type { KeyId } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { ALL_KEYS } from './outcome.ts';
import { BUCKETS, periodOf, startOf, type WantedPeriod } from './period.ts';
import { readCounts } from './store.ts';

/** The verifications of one hour or day. `start` in milliseconds since 1970; `refused` by the code of the refusal. */
export type UsageBucket = { start: number; valid: number; refused: Record<string, number> };

export type UsageReport = ReturnType<typeof createUsageReport>;

export function createUsageReport(db: Db, clock: Pick<Clock, 'now'>) {
  async function report(id: KeyId, wanted: WantedPeriod): Promise<UsageBucket[]> {
    const now = clock.now();
    const period = periodOf(wanted, now);
    if ('path' in period) throw new DomainError({ code: 'invalid_request', errors: [period] });
    const buckets = new Map(
      period.starts.map((start): [number, UsageBucket] => [start, { start, valid: 0, refused: {} }]),
    );
    // Nothing is counted in the future, so it needs no look-ups.
    const past = { ...period, starts: period.starts.filter((start) => start <= now) };
    for (const { start, outcome, count } of await readCounts(db, id, past)) {
      const bucket = buckets.get(startOf(start, BUCKETS[period.bucket]));
      if (!bucket) continue;
      if (outcome === 'VALID') bucket.valid += count;
      else bucket.refused[outcome] = (bucket.refused[outcome] ?? 0) + count;
    }
    return [...buckets.values()];
  }

  return {
    /** The buckets of a period, the oldest first, also those without a verification. Throws `invalid_request`. */
    ofKey: report,
    /** The same for all keys together, also those that are deleted since. */
    ofAllKeys: (wanted: WantedPeriod) => report(ALL_KEYS, wanted),
  };
}
