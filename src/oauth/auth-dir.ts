import { constants, rmSync } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { errorCode } from '../lib/error-code.ts';
import { replacePrivateFile } from '../lib/private-files.ts';

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

/** The directory of token files. Other users have no rights to it, and links in it are passed over. */
export function createAuthDir(path: () => string) {
  async function prepare(): Promise<string> {
    const directory = path();
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const { mode, uid } = await stat(directory);
    if (uid === getuid?.() && (mode & 0o077) !== 0) await chmod(directory, 0o700);
    return directory;
  }

  /** Undefined when it does not exist, or is no plain file. */
  async function read(name: string): Promise<AuthFile | undefined> {
    try {
      const file = await open(
        join(path(), name),
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      );
      try {
        const status = await file.stat();
        if (!status.isFile() || status.size > MAX_FILE_BYTES) return undefined;
        if (status.uid === getuid?.() && (status.mode & 0o077) !== 0) await file.chmod(0o600);
        return { name, content: await file.readFile(), modifiedAt: status.mtimeMs };
      } finally {
        await file.close();
      }
    } catch (error) {
      // A link answers ELOOP.
      if (['ENOENT', 'ELOOP', 'ENXIO', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
      throw error;
    }
  }

  async function names(): Promise<string[]> {
    try {
      return (await readdir(path())).filter(isFileName).sort().slice(0, MAX_FILES);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  return {
    prepare,

    async list(): Promise<AuthFile[]> {
      const files: AuthFile[] = [];
      for (const name of await names()) {
        const file = await read(name);
        if (file) files.push(file);
      }
      return files;
    },

    read,

    /** Other processes see all of it or nothing. A link with this name is replaced, and its target stays as it is. */
    async write(name: string, content: string | Uint8Array): Promise<void> {
      replacePrivateFile(join(await prepare(), name), content);
    },

    /** @returns whether there was such a file */
    async remove(name: string): Promise<boolean> {
      const status = await lstat(join(path(), name)).catch(() => undefined);
      if (!status || status.isDirectory()) return false;
      rmSync(join(path(), name), { force: true });
      rmSync(join(path(), name + BESIDE), { force: true });
      return true;
    },

    /** What belongs to a token file, as JSON; undefined when there is nothing. */
    readBeside: async (name: string): Promise<string | undefined> =>
      (await read(name + BESIDE))?.content.toString(),

    async writeBeside(name: string, content: string | undefined): Promise<void> {
      if (content === undefined) rmSync(join(path(), name + BESIDE), { force: true });
      else replacePrivateFile(join(await prepare(), name + BESIDE), content);
    },
  };
}

export type AuthDir = ReturnType<typeof createAuthDir>;
