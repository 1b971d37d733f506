import { setImmediate as nextTurn } from 'node:timers/promises';

/** SQLite would block the thread, so others get a turn after so many keys. */
export const READ_AT_ONCE = 1_000;
export const WRITTEN_AT_ONCE = 250;

export async function inParts<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (some: readonly Item[]) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < items.length; start += atOnce) {
    if (start > 0) await nextTurn();
    await work(items.slice(start, start + atOnce));
  }
}
