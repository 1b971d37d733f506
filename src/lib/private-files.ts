import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, StartupError } from './errors.ts';

/** Makes the directory with mode 0700, or takes everybody else's rights to an existing one away. */
export function ensurePrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700);
  } catch (error) {
    throw new StartupError(
      `Cannot use ${path} as the data directory (${errorCode(error)}); make it a directory that this user owns and can write, or set KEYHEARTH_DATA_DIR.`,
    );
  }
}

/**
 * Writes a whole file with mode 0600 that other processes see complete or not at all. When one was there first, it
 * stays as it is.
 */
export function writePrivateFileOnce(path: string, content: string): void {
  const draft = `${path}.${process.pid}`;
  const file = openSync(draft, 'w', 0o600);
  try {
    writeSync(file, content);
    fsyncSync(file);
    linkSync(draft, path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    closeSync(file);
    unlinkSync(draft);
  }
  const directory = openSync(dirname(path), 'r');
  fsyncSync(directory);
  closeSync(directory);
}
