import type { CompiledQuery } from 'kysely';
import type { SlowReader } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import { reachOf } from '../keys/reach.ts';
import type { KeyId } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { type Actor, clientOf } from '../lib/principal.ts';
import { ALL_KEYS } from './outcome.ts';
import { BUCKETS, periodOf, startOf, type WantedPeriod } from './period.ts';
import { type Count, type CountedKeys, countsQuery, keysOfAccount, oneKey } from './store.ts';

/** The verifications of one hour or day. `start` in milliseconds since 1970; `refused` by the code of the refusal. */
export type UsageBucket = { start: number; valid: number; refused: Record<string, number> };

export type UsageReport = ReturnType<typeof createUsageReport>;

type Read = (query: CompiledQuery<Count>) => Promise<readonly Count[]>;

export function createUsageReport(db: Db, slowReader: SlowReader, clock: Pick<Clock, 'now'>) {
  const readNow: Read = async (query) => (await db.executeQuery(query)).rows;

  async function report(
    isCounted: CountedKeys,
    wanted: WantedPeriod,
    read = readNow,
  ): Promise<UsageBucket[]> {
    const now = clock.now();
    const period = periodOf(wanted, now);
    if ('path' in period) throw new DomainError({ code: 'invalid_request', errors: [period] });
    const buckets = new Map(
      period.starts.map((start): [number, UsageBucket] => [start, { start, valid: 0, refused: {} }]),
    );
    // Nothing is counted in the future, so it needs no look-ups.
    const past = { ...period, starts: period.starts.filter((start) => start <= now) };
    for (const { start, outcome, count } of await read(await countsQuery(db, isCounted, past))) {
      const bucket = buckets.get(startOf(start, BUCKETS[period.bucket]));
      if (!bucket) continue;
      if (outcome === 'VALID') bucket.valid += count;
      else bucket.refused[outcome] = (bucket.refused[outcome] ?? 0) + count;
    }
    return [...buckets.values()];
  }

  return {
    /** The buckets of a period, the oldest first, also those without a verification. Throws `invalid_request`. */
    ofKey: (id: KeyId, wanted: WantedPeriod) => report(oneKey(id), wanted),

    /**
     * The same for all keys together, also those that are deleted since. A member gets the sum of the keys that the account
     * has now.
     */
    ofAllKeys(wanted: WantedPeriod, viewer: Actor): Promise<UsageBucket[]> {
      const reach = reachOf(viewer);
      if (reach.to === 'every') return report(oneKey(ALL_KEYS), wanted);
      if (reach.to === 'account')
        return report(keysOfAccount(reach.id), wanted, (query) =>
          slowReader.all(query, clientOf(viewer.principal)),
        );
      throw new DomainError({ code: 'insufficient_scope', reason: 'route', scopes: ['usage:read'] });
    },
  };
}
