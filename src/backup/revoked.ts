import type { StoredKey } from '../db/sqlite/whole-file.ts';

/** A key that a restore makes valid again. */
export type Revived = Readonly<{ id: number; label: string; hint: string; why: string }>;

/**
 * What was done to a key since the backup, so that its restored row allows more; undefined when nothing was.
 * @param before an active key of the backup
 * @param now the row of the same id in the database that is replaced
 * @param at the time now, in milliseconds since 1970: an expired key stays invalid
 */
export function revivedKey(before: StoredKey, now: StoredKey | undefined, at: number): Revived | undefined {
  if (endOf(before) <= at) return undefined;
  const why = whyRevoked(before, now);
  return why === undefined ? undefined : { id: before.id, label: before.label, hint: before.hint, why };
}

function whyRevoked(before: StoredKey, now: StoredKey | undefined): string | undefined {
  if (now === undefined) return 'deleted';
  if (now.is_active === 0) return 'deactivated';
  // A new pepper changes the fingerprint of the same secret, but not its hash.
  if (before.fingerprint !== now.fingerprint && before.hash !== now.hash) return 'secret replaced';
  return endOf(now) < endOf(before) ? 'expires earlier' : undefined;
}

const endOf = ({ expires_at }: StoredKey): number => expires_at ?? Number.POSITIVE_INFINITY;
