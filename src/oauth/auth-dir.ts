import { constants, rmSync } from 'node:fs';
import { chmod, lstat, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { errorCode } from '../lib/error-code.ts';
import { DomainError } from '../lib/failure.ts';
import { makeDirectory, replacePrivateFile } from '../lib/private-files.ts';

/** A token file is about 4 KiB. More of them, or larger ones, are read into memory at every change. */
export const MAX_FILE_BYTES = 256 * 1024;
export const MAX_FILES = 1_000;

export type AuthFile = Readonly<{ name: string; content: Buffer; modifiedAt: number }>;

/** The suffix of the file that keeps what belongs to a token file and is not in it. */
const BESIDE = '.keyhearth';

const MAX_NAME_BYTES = 200;

/** A name that is a file in the directory itself, and that every file system takes. */
export const isFileName = (name: string): boolean =>
  /^[^\\/\p{Cc}]+\.json$/u.test(name) && !name.startsWith('.') && Buffer.byteLength(name) <= MAX_NAME_BYTES;

/** An error of the system is one of the directory. The operator finds it in the log. */
async function inDirectory<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new DomainError({ code: 'management_invalid', reason: 'directory' }, { cause, isExpected: false });
  }
}

/** Takes the rights of other users to the directory away, if it exists. */
async function close(directory: string): Promise<void> {
  const { mode, uid } = await stat(directory);
  if (uid === getuid?.() && (mode & 0o077) !== 0) await chmod(directory, 0o700);
}

async function readPlainFile(directory: string, name: string): Promise<AuthFile | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(join(directory, name), flags);
  try {
    const status = await file.stat();
    if (!status.isFile() || status.size > MAX_FILE_BYTES) return undefined;
    if (status.uid === getuid?.() && (status.mode & 0o077) !== 0) await file.chmod(0o600);
    return { name, content: await file.readFile(), modifiedAt: status.mtimeMs };
  } finally {
    await file.close();
  }
}

/** It is not there, or it is a link, a socket or the like. */
const isNoFile = (error: unknown) => ['ENOENT', 'ELOOP', 'ENXIO'].includes(errorCode(error) ?? '');

/** Undefined when it is no plain file. */
async function read(directory: string, name: string): Promise<AuthFile | undefined> {
  try {
    return await readPlainFile(directory, name);
  } catch (error) {
    if (isNoFile(error)) return undefined;
    throw error;
  }
}

async function list(directory: string): Promise<AuthFile[]> {
  try {
    await close(directory);
    const names = (await readdir(directory)).filter(isFileName).sort().slice(0, MAX_FILES);
    const files: AuthFile[] = [];
    for (const name of names) {
      const file = await read(directory, name);
      if (file) files.push(file);
    }
    return files;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

async function write(directory: string, name: string, content: string | Uint8Array): Promise<void> {
  makeDirectory(directory);
  await close(directory);
  replacePrivateFile(join(directory, name), content);
}

async function remove(directory: string, name: string): Promise<boolean> {
  const status = await lstat(join(directory, name)).catch(() => undefined);
  if (!status || status.isDirectory()) return false;
  rmSync(join(directory, name), { force: true });
  rmSync(join(directory, name + BESIDE), { force: true });
  return true;
}

/**
 * The directory of token files. Other users have no rights to it, and links in it are passed over. Each function throws a
 * DomainError when it cannot be used.
 */
export const createAuthDir = (path: () => string) => ({
  list: (): Promise<AuthFile[]> => inDirectory(() => list(path())),

  /** Undefined when it does not exist, or is no plain file. */
  read: (name: string): Promise<AuthFile | undefined> => inDirectory(() => read(path(), name)),

  /** Other processes see all of it or nothing. A link with this name is replaced, and its target stays as it is. */
  write: (name: string, content: string | Uint8Array): Promise<void> =>
    inDirectory(() => write(path(), name, content)),

  /** @returns whether there was such a file */
  remove: (name: string): Promise<boolean> => inDirectory(() => remove(path(), name)),

  /** What belongs to a token file, as JSON; undefined when there is nothing. */
  readBeside: (name: string): Promise<string | undefined> =>
    inDirectory(async () => (await read(path(), name + BESIDE))?.content.toString()),

  writeBeside: (name: string, content: string | undefined): Promise<void> =>
    inDirectory(async () => {
      if (content === undefined) rmSync(join(path(), name + BESIDE), { force: true });
      else await write(path(), name + BESIDE, content);
    }),
});

export type AuthDir = ReturnType<typeof createAuthDir>;
