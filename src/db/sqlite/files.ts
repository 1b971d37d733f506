import { realpathSync, statSync } from 'node:fs';
import { lostFile } from './failure.ts';

/** What a path names. SQLite has the file open, so no other file gets its number. */
type FileId = { dev: bigint; ino: bigint };

/**
 * The file at a path, without opening it: closing a file that is in use drops SQLite's locks on it
 * (sqlite.org/howtocorrupt, 2.2). Undefined when the path names nothing, or cannot be read.
 */
function fileAt(path: string): FileId | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

const isSame = (a: FileId | undefined, b: FileId | undefined) =>
  a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;

/**
 * Remembers the files that SQLite has open: the database, its write-ahead log and the index of that.
 * @returns a function that finds the path of a file that somebody has removed or replaced since
 */
export function rememberFiles(path: string): () => string | undefined {
  // If the path is a symbolic link, SQLite puts the other two files beside its target.
  const target = fileAt(path) ? realpathSync(path) : path;
  const files = [path, `${target}-wal`, `${target}-shm`].map((name) => ({ name, opened: fileAt(name) }));
  return () => files.find(({ name, opened }) => !isSame(opened, fileAt(name)))?.name;
}

/**
 * Two threads with two files would give different answers, and both would write to one log.
 * @param memory where `rememberFirstFile` wrote which file the first thread of this process opened
 * @throws StartupError when the path names another file
 */
export function assertFirstFile(path: string, memory: SharedArrayBuffer): void {
  const [dev = 0n, ino = 0n] = new BigInt64Array(memory);
  if (ino !== 0n && !isSame(fileAt(path), { dev, ino })) throw lostFile(path);
}

/** Call it when the file is open: on some file systems, the first write gives a file another number. */
export function rememberFirstFile(path: string, memory: SharedArrayBuffer): void {
  const known = new BigInt64Array(memory);
  const file = fileAt(path);
  if (file && known[1] === 0n) known.set([file.dev, file.ino]);
}
