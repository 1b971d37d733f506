import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode, StartupError } from '../lib/errors.ts';
import { makePrivate, writePrivateFileOnce } from '../lib/private-files.ts';
import type { PepperSource } from './pepper.ts';

/**
 * The file beside the pepper that remembers which database belongs to it, so that a lost or emptied database cannot
 * quietly open the bootstrap again. Beside a read-only pepper (a mounted secret) it cannot be written: then it
 * stands in the data directory.
 */
export type DatabaseNote = { path: string; databaseId: string | undefined };

export function readDatabaseNote(pepper: PepperSource, dataDir: string): DatabaseNote {
  const inDataDir = join(dataDir, 'pepper.database-id');
  const besidePepper = pepper.from === 'file' ? `${pepper.path}.database-id` : inDataDir;
  const path = existsSync(besidePepper) || isWritable(dirname(besidePepper)) ? besidePepper : inDataDir;
  makePrivate(path);
  try {
    return { path, databaseId: readFileSync(path, 'utf8').trim() };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { path, databaseId: undefined };
    throw new StartupError(`Cannot read ${path} (${errorCode(error)}); check its permissions.`);
  }
}

export function writeDatabaseNote(note: DatabaseNote, databaseId: string): void {
  if (note.databaseId === undefined) writePrivateFileOnce(note.path, `${databaseId}\n`);
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
