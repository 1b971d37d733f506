import type { Clock } from '../lib/clock.ts';
import { type ImportedKey, type Item, isRefusal, UnreadableFile } from './record.ts';
import { createTally, type Summary } from './summary.ts';

/** What becomes of a key. */
export type Outcome =
  | Readonly<{ state: 'imported' }>
  | Readonly<{ state: 'already_there' }>
  | Readonly<{ state: 'refused'; field: string; reason: string }>;

/** Stores keys, all or none of them. @returns an outcome for each, in their order */
export type StoreKeys = (keys: readonly ImportedKey[]) => Promise<readonly Outcome[]>;

/** So many keys are stored in one transaction. */
const AT_ONCE = 2_500;

/**
 * Reads a file and stores its keys, some at a time: a second run continues where an interrupted one has ended.
 * @param onProgress called with the number of keys that are done
 */
export async function importKeys(
  items: AsyncIterable<Item> | Iterable<Item>,
  store: StoreKeys,
  clock: Pick<Clock, 'now'>,
  onProgress: (done: number) => void,
): Promise<Summary> {
  const tally = createTally();
  let waiting: { place: number; key: ImportedKey }[] = [];
  let done = 0;

  async function flush(): Promise<void> {
    if (waiting.length === 0) return;
    const outcomes = await store(waiting.map(({ key }) => key));
    const now = clock.now();
    for (const [i, { place, key }] of waiting.entries()) {
      const outcome = outcomes[i];
      if (outcome?.state === 'imported')
        tally.imported((key.settings.expiresAt ?? Number.POSITIVE_INFINITY) <= now);
      else if (outcome?.state === 'already_there') tally.alreadyThere();
      else if (outcome) tally.refused({ place, field: outcome.field, reason: outcome.reason });
    }
    done += waiting.length;
    waiting = [];
    onProgress(done);
  }

  let stopped: string | undefined;
  try {
    for await (const item of items) {
      if (isRefusal(item)) tally.refused(item);
      else if (waiting.push(item) === AT_ONCE) await flush();
    }
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    stopped = error.message;
  }
  await flush();
  return tally.summary(stopped);
}
