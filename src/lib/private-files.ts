import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, StartupError } from './errors.ts';

/** Makes the directory with mode 0700, or takes everybody else's rights to an existing one away. */
export function ensurePrivateDirectory(path: string): void {
  try {
    makeDirectory(path);
    readdirSync(path); // fails for what is not a directory
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700);
  } catch (error) {
    throw new StartupError(
      `Cannot use ${path} as the data directory (${errorCode(error)}); make it a directory that this user owns and can write, or set KEYHEARTH_DATA_DIR.`,
    );
  }
}

/** Step by step: Node's own recursive way never ends where a directory exists but takes no entries, as /proc does. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  if (!existsSync(dirname(path))) makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

/** Takes everybody else's rights to a file away, where there is such a file. */
export function makePrivate(path: string): void {
  try {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw new StartupError(
      `Other users have rights to ${path}, and they cannot be taken away (${errorCode(error)}); run: chmod 600 ${path}`,
    );
  }
}

/**
 * Writes a whole file with mode 0600 that other processes see complete or not at all. When one was there first, it
 * stays as it is.
 */
export function writePrivateFileOnce(path: string, content: string): void {
  try {
    writeWhole(path, content);
  } catch (error) {
    throw new StartupError(
      `Cannot write ${path} (${errorCode(error)}); check its directory's permissions and space.`,
    );
  }
}

function writeWhole(path: string, content: string): void {
  const draft = `${path}.${randomUUID()}`;
  const file = openSync(draft, 'wx', 0o600);
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
