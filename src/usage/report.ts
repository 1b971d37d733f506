import type { CompiledQuery } from 'kysely';
import type { SlowReader } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import { reachOf } from '../keys/reach.ts';
import type { KeyId } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { type Actor, clientOf } from '../lib/principal.ts';
import { ALL_KEYS } from './outcome.ts';
import { BUCKETS, type Period, periodOf, startOf, type WantedPeriod } from './period.ts';
import {
  type Count,
  type CountedKeys,
  countsQuery,
  everyKey,
  type KeyOutcome,
  keysOfAccount,
  mostUsedQuery,
  oneKey,
} from './store.ts';

/** The verifications of one hour or day. `start` in milliseconds since 1970; `refused` by the code of the refusal. */
export type UsageBucket = { start: number; valid: number; refused: Record<string, number> };

/** The verifications of a key in a period. `label` and `hint` are null when the key is deleted since. */
export type KeyUsage = Pick<KeyOutcome, 'id' | 'label' | 'hint'> & Pick<UsageBucket, 'valid' | 'refused'>;

export type UsageReport = ReturnType<typeof createUsageReport>;

type Read = (query: CompiledQuery<Count>) => Promise<readonly Count[]>;

export function createUsageReport(db: Db, slowReader: SlowReader, clock: Pick<Clock, 'now'>) {
  const readNow: Read = async (query) => (await db.executeQuery(query)).rows;

  function parsed(wanted: WantedPeriod): Period {
    const period = periodOf(wanted, clock.now());
    if ('path' in period) throw new DomainError({ code: 'invalid_request', errors: [period] });
    return period;
  }

  /** Nothing is counted in the future, so it needs no look-ups. */
  const past = (period: Period): Period => {
    const now = clock.now();
    return { ...period, starts: period.starts.filter((start) => start <= now) };
  };

  async function report(
    isCounted: CountedKeys,
    wanted: WantedPeriod,
    read = readNow,
  ): Promise<UsageBucket[]> {
    const period = parsed(wanted);
    const buckets = new Map(
      period.starts.map((start): [number, UsageBucket] => [start, { start, valid: 0, refused: {} }]),
    );
    for (const { start, outcome, count } of await read(await countsQuery(db, isCounted, past(period)))) {
      const bucket = buckets.get(startOf(start, BUCKETS[period.bucket]));
      if (bucket) add(bucket, outcome, count);
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
      throw notAllowed();
    },

    /**
     * The keys with the most verifications in a period, also those that are deleted since. A member gets the keys that the
     * account has now. Throws `invalid_request`.
     */
    async mostUsed(wanted: WantedPeriod, limit: number, viewer: Actor): Promise<KeyUsage[]> {
      const reach = reachOf(viewer);
      if (reach.to === 'prefix') throw notAllowed();
      const isCounted = reach.to === 'every' ? everyKey : keysOfAccount(reach.id);
      const query = await mostUsedQuery(db, isCounted, past(parsed(wanted)), limit);
      return keyUsages(await slowReader.all(query, clientOf(viewer.principal)));
    },
  };
}

const notAllowed = () =>
  new DomainError({ code: 'insufficient_scope', reason: 'route', scopes: ['usage:read'] });

function keyUsages(rows: readonly KeyOutcome[]): KeyUsage[] {
  const keys = new Map<KeyId, KeyUsage>();
  for (const { id, label, hint, outcome, count } of rows) {
    const key = keys.get(id) ?? { id, label, hint, valid: 0, refused: {} };
    keys.set(id, key);
    add(key, outcome, count);
  }
  return [...keys.values()];
}

function add(counts: Pick<UsageBucket, 'valid' | 'refused'>, outcome: string, count: number): void {
  if (outcome === 'VALID') counts.valid += count;
  else counts.refused[outcome] = (counts.refused[outcome] ?? 0) + count;
}
