import { type FSWatcher, realpathSync, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** A file may be written in several steps. */
export const SETTLE_MS = 150;
/** Some file systems send no events. */
const POLL_MS = 1_000;

export type FileWatch = Readonly<{ close(): void }>;

export type WatchParts = Readonly<{
  /** The signature of the content that is known. */
  known: string;
  /** Called when the file has not changed for a while after a change. When it rejects, it is called again. */
  onChange: () => Promise<void>;
  settleMs?: number;
  pollMs?: number;
}>;

/**
 * Notices each change of a file: in place, by a rename of an editor, by another target of a link on the way (as in a
 * ConfigMap), its deletion and its return.
 */
export function watchFile(
  path: string,
  { known: knownAtStart, onChange, settleMs = SETTLE_MS, pollMs = POLL_MS }: WatchParts,
): FileWatch {
  let known = knownAtStart;
  let settling: NodeJS.Timeout | undefined;
  let isClosed = false;
  const watchers = new Map<string, FSWatcher>();

  /** Their events only make the next check earlier. */
  function watchDirectories(): void {
    const directories = new Set([dirname(path), dirname(targetOf(path))]);
    for (const directory of [...watchers.keys()]) if (!directories.has(directory)) forget(directory);
    for (const directory of directories) {
      if (watchers.has(directory)) continue;
      try {
        const watcher = watch(directory, { persistent: false }, check);
        watcher.on('error', () => forget(directory));
        watchers.set(directory, watcher);
      } catch {
        // The poll notices the changes in it.
      }
    }
  }

  function forget(directory: string): void {
    watchers.get(directory)?.close();
    watchers.delete(directory);
  }

  function check(): void {
    const now = signatureOf(path);
    if (isClosed || now === known) return;
    known = now;
    clearTimeout(settling);
    settling = setTimeout(settle, settleMs);
    settling.unref();
  }

  function settle(): void {
    const before = known;
    check();
    if (known !== before || isClosed) return;
    watchDirectories();
    onChange().catch(() => {
      // So the next check finds a change again.
      known = '';
    });
  }

  const poll = setInterval(check, pollMs);
  poll.unref();
  watchDirectories();
  check();

  return {
    close() {
      isClosed = true;
      clearInterval(poll);
      clearTimeout(settling);
      for (const directory of [...watchers.keys()]) forget(directory);
    },
  };
}

function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Differs after each change of the file, also when the path leads to another file. */
export function signatureOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return 'missing';
  }
}
