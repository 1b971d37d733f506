import { randomUUID } from 'node:crypto';
import type { BackgroundWriter } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { KeyId } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import type { Outcome } from './outcome.ts';
import { type Batch, batchQueries } from './store.ts';
import { createTally } from './tally.ts';

const FLUSH_EVERY_MS = 5_000;
/** The number of keys that one transaction writes. Other writers wait for that transaction. */
const KEYS_PER_BATCH = 1_000;

export type UsageCounter = {
  /** Counts a use of a key that is no verification: the key acted on this service. */
  countUse(id: KeyId): void;
  /** Counts a verification, also one that is refused. Only a valid one is a use of the key. */
  countVerification(id: KeyId, outcome: Outcome): void;
  /** How many uses, and keys whose uses are summed up, are not written yet. */
  backlog(): number;
  /** Stops the timer and writes what is not written yet. */
  close(): Promise<void>;
};

type UsageCounterParts = {
  db: Db;
  writer: BackgroundWriter;
  clock: Pick<Clock, 'now'>;
  /** Whether it counts by hour too. */
  keepsHours: boolean;
  onError: (error: unknown) => void;
};

/**
 * Counts how often and when keys were used, and writes that every five seconds. A write for each request would wait for
 * the disk each time. A crash loses the counts of the last five seconds at most.
 */
export function createUsageCounter({
  db,
  writer,
  clock,
  keepsHours,
  onError,
}: UsageCounterParts): UsageCounter {
  const tally = createTally(keepsHours);
  const writerId = randomUUID();
  let batches = 0;
  /** It may be written although its write failed, for example when the answer was lost. So it is repeated as it was. */
  let unconfirmed: Batch | undefined;
  let writing = Promise.resolve();

  async function write(): Promise<void> {
    const usages = tally.take();
    try {
      while (unconfirmed || usages.length > 0) {
        unconfirmed ??= {
          writerId,
          number: ++batches,
          at: clock.now(),
          usages: usages.splice(0, KEYS_PER_BATCH),
        };
        await writer.run(...batchQueries(db, unconfirmed));
        unconfirmed = undefined;
      }
    } catch (error) {
      for (const usage of usages) tally.putBack(usage);
      onError(error);
    }
  }

  function flush(): Promise<void> {
    writing = writing.then(write);
    return writing;
  }

  const timer = setInterval(() => {
    if (unconfirmed || !tally.isEmpty()) void flush();
  }, FLUSH_EVERY_MS);
  timer.unref();

  return {
    countUse: (id) => tally.use(id, clock.now()),
    countVerification: (id, outcome) => tally.verification(id, clock.now(), outcome),
    backlog: () => tally.size() + (unconfirmed?.usages.length ?? 0),
    close: () => {
      clearInterval(timer);
      return flush();
    },
  };
}
