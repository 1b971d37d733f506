import { realpathSync, statSync } from 'node:fs';

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
  const target = realpathSync(path);
  const files = [path, `${target}-wal`, `${target}-shm`].map((name) => ({ name, opened: fileAt(name) }));
  return () => files.find(({ name, opened }) => !isSame(opened, fileAt(name)))?.name;
}

/**
 * Whether the path names the file that the first thread of this process opened. Two threads with two files would give
 * different answers, and both would write to one log.
 * @param memory its device and inode; the first thread writes them there
 */
export function isFirstFile(path: string, memory: SharedArrayBuffer): boolean {
  const file = fileAt(path);
  const known = new BigInt64Array(memory);
  const [dev = 0n, ino = 0n] = known;
  if (file && ino === 0n) known.set([file.dev, file.ino]);
  return file !== undefined && (ino === 0n || isSame(file, { dev, ino }));
}
