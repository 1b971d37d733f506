import { type Stats, statSync } from 'node:fs';
import { getuid } from 'node:process';

/**
 * Whether other users have rights to a file with secrets. At each mount, Kubernetes gives rights to the group of `fsGroup`:
 * those of a file of ours are fine, and so is a mounted file of root that its group can read.
 */
export function isOpenToOthers({ mode, uid }: Pick<Stats, 'mode' | 'uid'>, ours = getuid?.()): boolean {
  if ((mode & 0o007) !== 0) return true;
  if ((mode & 0o070) === 0 || uid === ours) return false;
  return uid !== 0 || (mode & 0o030) !== 0;
}

/** A warning, when other users have rights to the file. */
export function rightsWarnings(path: string): string[] {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status || !isOpenToOthers(status)) return [];
  return [`Other users have rights to it, and it has secrets; run: chmod 600 ${path}`];
}
