import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode, StartupError } from '../lib/errors.ts';
import { makePrivate, replacePrivateFile, writePrivateFileOnce } from '../lib/private-files.ts';
import type { PepperSource } from './pepper.ts';

/**
 * The file beside the pepper that remembers which database belongs to it, and whether that has its first key, so that
 * a lost, emptied or outdated database cannot quietly open the bootstrap again. Beside a read-only pepper (a mounted
 * secret) it cannot be written: then it stands in the data directory.
 */
export type DatabaseNote = {
  path: string;
  /** Undefined before the first start. */
  databaseId: string | undefined;
  isClaimed: boolean;
};

const CLAIMED = 'claimed';

export function readDatabaseNote(pepper: PepperSource, dataDir: string): DatabaseNote {
  const inDataDir = join(dataDir, 'pepper.database-id');
  const besidePepper = pepper.from === 'file' ? `${pepper.path}.database-id` : inDataDir;
  // One that exists counts wherever it stands, lest a change of settings make it forgotten.
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

/** Never in the place of another: a process that started at the same moment may have noted more already. */
export const noteDatabase = (path: string, databaseId: string) =>
  writePrivateFileOnce(path, `${databaseId}\n`);

export const noteClaim = (path: string, databaseId: string) =>
  replacePrivateFile(path, `${databaseId}\n${CLAIMED}\n`);

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
