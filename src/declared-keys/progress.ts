import type { Changes, Differences } from './differences.ts';

/** What was done about a file. Keys are named by their hints. */
export type Result = Readonly<{
  added: readonly string[];
  removed: readonly string[];
  /** Only their labels changed, or their fingerprints were made again. */
  updated: number;
  /** They were stored in another way before. Their own settings decide about them. */
  foreign: readonly string[];
  /** Their settings are lost together with the pepper. */
  forgotten: readonly string[];
}>;

/** What all threads and processes together have done about a file so far. */
export type Progress = Readonly<{ digest: string; result: Result }>;

const nothing: Result = { added: [], removed: [], updated: 0, foreign: [], forgotten: [] };

/** @param text as it is stored; another file may have been under way */
export function progressOf(text: string, digest: string): Progress {
  const stored: Progress | undefined = text === '' ? undefined : JSON.parse(text);
  return stored?.digest === digest ? stored : { digest, result: nothing };
}

const hintsOf = (keys: readonly { hint: string }[]) => keys.map(({ hint }) => hint);

export const addTo = (
  { digest, result }: Progress,
  { added, returned, updated, removed }: Changes,
  { foreign, forgotten }: Differences,
): Progress => ({
  digest,
  result: {
    added: [...result.added, ...hintsOf(added), ...hintsOf(returned.map(({ row }) => row))],
    removed: [...result.removed, ...hintsOf(removed)],
    updated: result.updated + updated.length,
    foreign: hintsOf(foreign),
    // Later parts no longer find them, because they have new rows.
    forgotten: result.forgotten.length > 0 ? result.forgotten : hintsOf(forgotten),
  },
});
