import type { Refusal } from './record.ts';

/** More would scroll everything else away. The reasons are counted beyond that. */
const MAX_LISTED = 100;

export type Summary = Readonly<{
  imported: number;
  /** How many of the imported keys have expired. */
  expired: number;
  alreadyThere: number;
  refused: number;
  /** How many keys were refused for the same reason, the most frequent first. */
  reasons: readonly Readonly<{ field: string; reason: string; count: number }>[];
  /** The first refused keys. */
  refusals: readonly Refusal[];
  /** Why the rest of the file was not read; undefined when all was read. */
  stopped: string | undefined;
}>;

/** Counts what becomes of the keys of a file. */
export function createTally() {
  let imported = 0;
  let expired = 0;
  let alreadyThere = 0;
  let refused = 0;
  const reasons = new Map<string, { field: string; reason: string; count: number }>();
  const refusals: Refusal[] = [];
  return {
    imported(hasExpired: boolean): void {
      imported++;
      if (hasExpired) expired++;
    },
    alreadyThere: () => void alreadyThere++,
    refused(refusal: Refusal): void {
      refused++;
      if (refusals.length < MAX_LISTED) refusals.push(refusal);
      // Without the number of an entry, so that there are few reasons.
      const field = refusal.field.replace(/[[.].*$/, '');
      const { reason } = refusal;
      const found = reasons.get(JSON.stringify([field, reason]));
      if (found) found.count++;
      else reasons.set(JSON.stringify([field, reason]), { field, reason, count: 1 });
    },
    summary: (stopped?: string): Summary => ({
      ...{ imported, expired, alreadyThere, refused, refusals, stopped },
      reasons: [...reasons.values()].sort((a, b) => b.count - a.count),
    }),
  };
}
