import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../lib/error-code.ts';
import { makePrivate, replacePrivateFile, writePrivateFileOnce } from '../lib/private-files.ts';
import { StartupError } from '../lib/startup-error.ts';
import type { PepperSource } from './pepper.ts';

/**
 * The marker file beside the pepper. It names the database that belongs to the pepper, and says whether the first key is
 * registered. So a lost, empty or old database cannot open the bootstrap again. If the folder of the pepper is read-only,
 * as that of a mounted secret, the marker file is in the data directory.
 */
export type DatabaseMarker = {
  path: string;
  /** Undefined before the first start. */
  databaseId: string | undefined;
  isClaimed: boolean;
};

const CLAIMED = 'claimed';

export function readDatabaseMarker(pepper: PepperSource, dataDir: string): DatabaseMarker {
  const inDataDir = join(dataDir, 'pepper.database-id');
  const besidePepper = pepper.from === 'file' ? `${pepper.path}.database-id` : inDataDir;
  // An existing file counts in both places, so that a change of the settings cannot hide it.
  const existing = [besidePepper, inDataDir].find((candidate) => existsSync(candidate));
  const path = existing ?? (isWritable(dirname(besidePepper)) ? besidePepper : inDataDir);
  makePrivate(path);
  try {
    const [databaseId = '', claimed] = readFileSync(path, 'utf8').trim().split('\n');
    if (databaseId === '') {
      throw new StartupError(
        `${path} is empty; restore it from a backup, or delete it if the database is the right one.`,
      );
    }
    return { path, databaseId, isClaimed: claimed === CLAIMED };
  } catch (error) {
    if (error instanceof StartupError) throw error;
    if (errorCode(error) === 'ENOENT') return { path, databaseId: undefined, isClaimed: false };
    throw new StartupError(`Cannot read ${path} (${errorCode(error)}); check its permissions.`);
  }
}

/** Never replaces a marker file. Another process that starts at the same moment may have written it. */
export const markDatabase = (path: string, databaseId: string) =>
  writePrivateFileOnce(path, `${databaseId}\n`);

export const markClaimed = (path: string, databaseId: string) =>
  replacePrivateFile(path, `${databaseId}\n${CLAIMED}\n`);

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
