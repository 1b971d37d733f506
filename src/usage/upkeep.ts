import { setTimeout as sleep } from 'node:timers/promises';
import type { BackgroundWriter } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { Clock } from '../lib/clock.ts';
import { hasModelCountsBefore, removeModelCountsQuery } from './model-store.ts';
import { DAY_MS, hoursKeptSince, keptSince } from './period.ts';
import { hasCountsBefore, removeQuery, removeWritersQuery, rollUpQueries } from './store.ts';

const EVERY_MS = 10 * 60_000;
/** Between two transactions, so that changes and the cache of keys get their turn. */
const PAUSE_MS = 20;
/** No writer repeats a batch for so long. */
const WRITERS_KEPT_DAYS = 30;

type UsageUpkeepParts = {
  db: Db;
  writer: BackgroundWriter;
  clock: Pick<Clock, 'now'>;
  /** How long counts are kept. */
  days: number;
  onError: (error: unknown) => void;
};

/**
 * Sums hours up into days, and removes old counts. Each transaction moves or removes a few rows. So several workers and
 * replicas can do this at the same time, and a process can end at any time.
 */
export function createUsageUpkeep({ db, writer, clock, days, onError }: UsageUpkeepParts) {
  let isClosed = false;
  let running = Promise.resolve();

  async function work(): Promise<void> {
    const now = clock.now();
    const [since, hoursSince] = [keptSince(now, days), hoursKeptSince(now)];
    const steps = [
      { table: 'usage_hours', before: since, queries: [removeQuery(db, 'usage_hours', since)] },
      { table: 'usage_hours', before: hoursSince, queries: rollUpQueries(db, hoursSince) },
      { table: 'usage_days', before: since, queries: [removeQuery(db, 'usage_days', since)] },
    ] as const;
    for (const { table, before, queries } of steps) {
      while (!isClosed && (await hasCountsBefore(db, table, before))) {
        await writer.run(...queries);
        await sleep(PAUSE_MS, undefined, { ref: false });
      }
    }
    while (!isClosed && (await hasModelCountsBefore(db, since))) {
      await writer.run(removeModelCountsQuery(db, since));
      await sleep(PAUSE_MS, undefined, { ref: false });
    }
    if (!isClosed) await writer.run(removeWritersQuery(db, now - WRITERS_KEPT_DAYS * DAY_MS));
  }

  function run(): Promise<void> {
    running = running.then(work).catch(onError);
    return running;
  }

  const timer = setInterval(() => void run(), EVERY_MS);
  timer.unref();

  return {
    /** Does everything that is due. */
    run,
    close: () => {
      isClosed = true;
      clearInterval(timer);
      return running;
    },
  };
}
