import type { Logger } from '../lib/logger.ts';
import type { AuthDir } from './auth-dir.ts';
import { isFileName, MAX_FILE_BYTES, MAX_FILES } from './auth-dir.ts';
import { providerOf } from './providers.ts';
import { readBeside, readSessions, writeBeside } from './sessions.ts';
import { isUsableToken, parseTokenFile, tokensOf } from './token-file.ts';

export type ListedFile = Readonly<{
  name: string;
  size: number;
  modtime: string;
  type: string;
  email: string;
  /** The gateway does not use it, and `status_message` says why. */
  unavailable?: true;
  status_message?: string;
}>;

export type Upload = Readonly<{
  name: string;
  content: Uint8Array;
  channel?: string | undefined;
  prefix?: string | undefined;
}>;

/** What happened to each file of a request. `replaced`: there was another one with this name. */
export type Outcome = {
  succeeded: string[];
  failed: { name: string; error: string }[];
  replaced: string[];
  /** The files that are stored, and not used. */
  unused: { name: string; reason: string }[];
};

const noOutcome = (): Outcome => ({ succeeded: [], failed: [], replaced: [], unused: [] });

const MAX_SHOWN = 100;

/** As in a model name, where a slash ends it. */
const PREFIX = /^[\w.-]{1,64}$/;

/** Why a file is refused; undefined when it is not. It repeats nothing of the content. */
function refusalOf({ name, content, channel, prefix }: Upload): string | undefined {
  if (!isFileName(name)) return 'the name must be a file name without a path that ends in .json';
  if (content.byteLength > MAX_FILE_BYTES) return `the file must be at most ${MAX_FILE_BYTES / 1024} KiB`;
  const file = parseTokenFile(Buffer.from(content).toString());
  if (!file) return 'the content must be a JSON object';
  const { accessToken } = tokensOf(file);
  if (accessToken !== '' && !isUsableToken(accessToken))
    return 'access_token must be printable ASCII characters without spaces';
  if (channel !== undefined && !providerOf(channel))
    return 'channel must be the name of a provider, such as vertex';
  if (prefix !== undefined && !PREFIX.test(prefix))
    return 'prefix must have 1 to 64 letters, digits, dots, hyphens or underscores';
  return undefined;
}

/** The token files, as operators upload and remove them. */
export const createAuthFiles = (directory: AuthDir, logger: Pick<Logger, 'warn'>) => ({
  async list(): Promise<ListedFile[]> {
    const files = await directory.list();
    const { unused } = await readSessions(directory);
    return files.map(({ name, content, modifiedAt }) => {
      const { type, email } = tokensOf(parseTokenFile(content.toString()) ?? {});
      const modtime = new Date(modifiedAt).toISOString();
      const reason = unused.get(name);
      return {
        ...{ name, size: content.byteLength, modtime, type: type || 'unknown', email },
        ...(reason !== undefined && { unavailable: true, status_message: reason }),
      };
    });
  },

  read: async (name: string): Promise<Uint8Array | undefined> =>
    isFileName(name) ? (await directory.read(name))?.content : undefined,

  /** A file that is refused leaves the one with its name as it was. */
  async upload(uploads: readonly Upload[]): Promise<Outcome> {
    const outcome = noOutcome();
    const existing = new Map((await directory.list()).map(({ name, content: before }) => [name, before]));
    for (const upload of uploads) {
      const { name, content, channel, prefix } = upload;
      let error = refusalOf(upload);
      if (outcome.succeeded.includes(name)) error = 'the request has two files of this name';
      else if (!existing.has(name) && existing.size >= MAX_FILES)
        error = `the directory holds ${MAX_FILES} files already`;
      if (error !== undefined) {
        outcome.failed.push({ name: name.slice(0, MAX_SHOWN), error });
        continue;
      }
      await directory.write(name, content);
      const { refused } = await readBeside(directory, name);
      await writeBeside(directory, name, { refused, channel, prefix });
      const before = existing.get(name);
      if (before?.equals(content) === false) outcome.replaced.push(name);
      existing.set(name, Buffer.from(content));
      outcome.succeeded.push(name);
    }
    if (outcome.replaced.length > 0)
      logger.warn({ files: outcome.replaced }, 'an upload has replaced files of the same name in auth-dir');
    const { unused } = await readSessions(directory);
    for (const name of outcome.succeeded) {
      const reason = unused.get(name);
      if (reason !== undefined) outcome.unused.push({ name, reason });
    }
    return outcome;
  },

  async remove(names: readonly string[]): Promise<Outcome> {
    const outcome = noOutcome();
    for (const name of new Set(names)) {
      if (isFileName(name) && (await directory.remove(name))) outcome.succeeded.push(name);
      else outcome.failed.push({ name: name.slice(0, MAX_SHOWN), error: 'file not found' });
    }
    return outcome;
  },

  names: async (): Promise<string[]> => (await directory.list()).map(({ name }) => name),
});
