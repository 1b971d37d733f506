import { randomUUID } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { getuid } from 'node:process';
import { errorCode } from './error-code.ts';
import { fileError, StartupError } from './startup-error.ts';

/**
 * Makes the directory with mode 0700, or takes the rights of other users to an existing one away.
 * @param isOurs whether a file with this name belongs to Keyhearth
 * @throws StartupError when it cannot be made, or belongs to another user
 */
export function ensurePrivateDirectory(path: string, isOurs: (entry: string) => boolean): void {
  try {
    makeDirectory(path);
    // The order matters: a process that starts at the same moment sets the mode before it makes its files.
    const entries = readdirSync(path).filter((entry) => entry !== 'lost+found');
    const { mode, uid } = statSync(path);
    if (uid !== getuid?.()) {
      throw new StartupError(`${path} belongs to another user; ${adviceForAnotherOwner(path)}`);
    }
    if ((mode & 0o077) !== 0 && entries.length > 0 && !entries.some(isOurs)) {
      throw new StartupError(
        `${path} holds other files, and closing it to others might break them; give Keyhearth a directory of its own in KEYHEARTH_DATA_DIR.`,
      );
    }
    // At each mount, Kubernetes lets the group of `fsGroup` write. Files that the group has added belong to other users.
    const isOnlyForGroup = (mode & 0o007) === 0 && entries.every((entry) => isOwn(join(path, entry)));
    if ((mode & 0o022) !== 0 && entries.length > 0 && !isOnlyForGroup) {
      throw new StartupError(
        `Other users could write to ${path}, so its files may be theirs; check the files, then run: chmod 700 ${path}`,
      );
    }
    if ((mode & 0o077) !== 0) chmodSync(path, 0o700);
  } catch (error) {
    throw fileError(
      error,
      path,
      `Cannot use ${path} as the data directory (${errorCode(error)}); make it a directory that this user owns and can write, or set KEYHEARTH_DATA_DIR.`,
    );
  }
}

/** Root may write everywhere, and must not take the directory from the user of the service. */
function adviceForAnotherOwner(path: string): string {
  const uid = getuid?.();
  if (uid === 0) return 'start Keyhearth as that user.';
  const giveIt = `give it to this user: chown ${uid} "${path}"`;
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return `set KEYHEARTH_DATA_DIR to a directory in it, or ${giveIt}`;
  } catch {
    return giveIt;
  }
}

/** A file that does not exist any more was the draft of a process that starts at the same moment. */
function isOwn(path: string): boolean {
  const status = lstatSync(path, { throwIfNoEntry: false });
  return status === undefined || status.uid === getuid?.();
}

/** Makes a directory with mode 0700. Makes the parents one by one. With Node's option `recursive`, mkdir never returns in a directory such as /proc. */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  if (!existsSync(dirname(path))) makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
    syncDirectory(dirname(path));
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

/** Whether a path leads to nothing. Where it leads through a directory of another user, nobody knows. */
export function isMissing(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** Takes the rights of other users to a file away, if it exists. */
export function makePrivate(path: string): void {
  try {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw new StartupError(
      `Other users have rights to ${path}, and the user ${getuid?.()} cannot take them away (${errorCode(error)}); run: chmod 600 ${path}, and chown ${getuid?.()} ${path} if it belongs to another user.`,
    );
  }
}

/** Writes a file with mode 0600. Other processes see all of it or nothing. An existing file stays as it is. */
export function writePrivateFileOnce(path: string, content: string): void {
  write(path, content, (draft) => {
    try {
      linkSync(draft, path);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  });
}

/** Does the same, but replaces an existing file. */
export function replacePrivateFile(path: string, content: string | Uint8Array): void {
  write(path, content, (draft) => renameSync(draft, path));
}

function write(path: string, content: string | Uint8Array, putInPlace: (draft: string) => void): void {
  const draft = `${path}.${randomUUID()}`;
  try {
    writeFileSync(draft, content, { mode: 0o600, flag: 'wx', flush: true });
    putInPlace(draft);
    syncDirectory(dirname(path));
  } catch (error) {
    throw fileError(
      error,
      path,
      `Cannot write ${path} (${errorCode(error)}); check the permissions of its directory, and that its file system has hard links.`,
    );
  } finally {
    rmSync(draft, { force: true });
  }
}

/** A new name in a directory survives a power failure only when the directory is synced too. */
const syncDirectory = (path: string) => syncFile(path);

/** Writes a file or the names in a directory to the disk. */
export function syncFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
