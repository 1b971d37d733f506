import type { Fingerprint, KeyId } from '../lib/brand.ts';

/** What a file declares, without its secrets. */
export type Declared = Readonly<{ fingerprint: Fingerprint; hint: string; label: string }>;

/** A row that a file declares, or has declared. */
export type Stored = Readonly<{
  id: KeyId;
  /** Null after the loss of the pepper. */
  fingerprint: Fingerprint | null;
  hint: string;
  label: string;
  isActive: boolean;
  /** False for a key that did not come from a file. */
  isDeclared: boolean;
  /** All settings that the file does not decide, as one text. */
  settings: string;
}>;

/** A row, and what the file now says about it. */
export type Kept = Readonly<{ row: Stored; declared: Declared; isMember: boolean }>;

export type Differences = Readonly<{
  /** They have no row yet. */
  added: readonly Declared[];
  kept: readonly Kept[];
  /** The rows that the file no longer declares. */
  removed: readonly Stored[];
  /** Keys that did not come from a file. Their own settings decide about them. */
  foreign: readonly Declared[];
  /** Keys of `added` that are made again, because it is not certain which of the rows without a fingerprint is theirs. */
  forgotten: readonly Declared[];
}>;

/**
 * What to do so that the rows say what the file says.
 * @param declared each fingerprint once
 * @param members the rows that this gateway declares
 * @param found the rows with one of the fingerprints
 */
export function differencesBetween(
  declared: readonly Declared[],
  members: readonly Stored[],
  found: readonly Stored[],
): Differences {
  const memberIds = new Set(members.map(({ id }) => id));
  const byFingerprint = new Map(found.map((row) => [row.fingerprint, row]));
  const rowOf = ({ fingerprint }: Declared) => byFingerprint.get(fingerprint);
  const foreign = declared.filter((key) => rowOf(key)?.isDeclared === false);
  const missing = declared.filter((key) => !rowOf(key));
  const lost = members.filter(({ fingerprint }) => fingerprint === null);
  const { matched, forgotten } = matchLost(missing, lost);
  const kept = declared.flatMap((key): Kept[] => {
    const row = rowOf(key) ?? matched.get(key);
    return row?.isDeclared ? [{ row, declared: key, isMember: memberIds.has(row.id) }] : [];
  });
  const keptIds = new Set(kept.map(({ row }) => row.id));
  return {
    added: missing.filter((key) => !matched.has(key)),
    kept,
    removed: members.filter(({ id }) => !keptIds.has(id)),
    foreign,
    forgotten,
  };
}

/**
 * Finds the rows of keys whose fingerprints are lost, by what can be seen of a key. Where several look the same, any of
 * their rows will do while all have the same settings. Otherwise a key could get the settings of another one.
 */
function matchLost(missing: readonly Declared[], lost: readonly Stored[]) {
  const matched = new Map<Declared, Stored>();
  const forgotten: Declared[] = [];
  const rows = Map.groupBy(lost, appearanceOf);
  for (const [appearance, keys] of Map.groupBy(missing, appearanceOf)) {
    const alike = rows.get(appearance) ?? [];
    const areSame = new Set(alike.map(({ settings }) => settings)).size === 1;
    const isCertain = areSame && keys.length <= alike.length;
    if (isCertain)
      for (const [i, key] of keys.entries()) {
        const row = alike[i];
        if (row) matched.set(key, row);
      }
    else if (alike.length > 0) forgotten.push(...keys);
  }
  return { matched, forgotten };
}

const appearanceOf = ({ hint, label }: Pick<Declared, 'hint' | 'label'>) => JSON.stringify([hint, label]);

const isNew = ({ row, isMember }: Kept) => !isMember || !row.isActive;

/** What is to be written. */
export type Changes = Readonly<{
  added: readonly Declared[];
  /** Rows that the gateway declares again, or as well. */
  returned: readonly Kept[];
  /** Rows with another label, or without their fingerprint. */
  updated: readonly Kept[];
  removed: readonly Stored[];
}>;

export const changesOf = ({ added, kept, removed }: Differences): Changes => ({
  added,
  returned: kept.filter(isNew),
  updated: kept.filter(
    (key) =>
      !isNew(key) &&
      (key.row.label !== key.declared.label || key.row.fingerprint !== key.declared.fingerprint),
  ),
  removed,
});

/** A part of the changes: what the file says about some keys, and the rows that this concerns. */
export type Part = Readonly<{ declared: readonly Declared[]; ids: readonly KeyId[] }>;

/** The changes in parts of at most so many. New keys come before old ones go. */
export function partsOf({ added, returned, updated, removed }: Changes, most: number): Part[] {
  const all = [
    ...added.map((key) => ({ key, id: undefined })),
    ...[...returned, ...updated].map(({ row, declared }) => ({ key: declared, id: row.id })),
    ...removed.map(({ id }) => ({ key: undefined, id })),
  ];
  return Array.from({ length: Math.ceil(all.length / most) }, (_, i) => {
    const some = all.slice(i * most, (i + 1) * most);
    return {
      declared: some.flatMap(({ key }) => key ?? []),
      ids: some.flatMap(({ id }) => id ?? []),
    };
  });
}
