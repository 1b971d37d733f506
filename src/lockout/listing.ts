import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SharedTable } from './shared-table.ts';
import type { LockoutEntry } from './wire.ts';

/** The table is held for so many places at once: less than a millisecond. */
const PLACES_AT_ONCE = 1_024;

/** The locks that end last come first, then the addresses with the most failures. */
export const byWeight = (a: LockoutEntry, b: LockoutEntry) =>
  (b.lockedUntil ?? 0) - (a.lockedUntil ?? 0) || b.failures - a.failures;

/** The first entries of the whole table. Other threads and requests use it in between. */
export async function listEntries(
  table: SharedTable,
  entryAt: (place: number) => LockoutEntry,
  limit: number,
): Promise<LockoutEntry[]> {
  let listed: LockoutEntry[] = [];
  if (table.isEmpty()) return listed;
  for (let first = 0; first < table.addresses; first += PLACES_AT_ONCE) {
    const end = Math.min(first + PLACES_AT_ONCE, table.addresses);
    const found = table.exclusively(() => {
      const entries: LockoutEntry[] = [];
      for (let place = first; place < end; place++) if (table.isTaken(place)) entries.push(entryAt(place));
      return entries;
    });
    const counting = found.filter(({ failures }) => failures > 0);
    if (counting.length > 0) listed = [...listed, ...counting].sort(byWeight).slice(0, limit);
    await nextTurn();
  }
  return listed;
}
