import { chmodSync, readFileSync, type Stats, statSync } from 'node:fs';
import { getuid } from 'node:process';
import { errorCode } from './error-code.ts';
import { StartupError } from './startup-error.ts';

/**
 * The text of a file that holds one secret, without the spaces and line ends around it. Undefined if it does not exist.
 * @param what what the file is, for messages, such as "The pepper"
 * @throws StartupError when it cannot be read, or other users than root can read or change it
 */
export function readSecretFile(path: string, what: string): string | undefined {
  try {
    const status = statSync(path);
    if (!status.isFile()) throw new StartupError(`${what} ${path} is not a file; put the secret into one.`);
    keepPrivate(path, status, what);
    const text = readFileSync(path, 'utf8').trim();
    if (isQuoted(text)) throw new StartupError(`${what} ${path} has quotes around the secret; remove them.`);
    return text;
  } catch (error) {
    if (error instanceof StartupError) throw error;
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new StartupError(`Cannot read ${path} (${errorCode(error)}); check its permissions.`);
  }
}

/** In a file, quotes are a part of the value. `docker run --env-file` keeps them too. */
export const isQuoted = (text: string): boolean => /^(["']).*\1$/s.test(text.trim());

/** A secret that Docker or Kubernetes mounts belongs to root, and at most its group can read it. */
export const isMountedSecret = ({ mode, uid }: Stats): boolean => uid === 0 && (mode & 0o037) === 0;

/**
 * At each mount, Kubernetes gives the group of `fsGroup` rights to every file of a volume. A file that we own loses these
 * rights again.
 */
function keepPrivate(path: string, status: Stats, what: string): void {
  const { mode, uid } = status;
  const isOurs = uid === getuid?.();
  if (!isOurs && uid !== 0)
    throw new StartupError(
      `${what} ${path} belongs to another user, who can change it; run: chown ${getuid?.()} ${path}`,
    );
  if ((mode & 0o077) === 0) return;
  if ((mode & 0o007) === 0) {
    if (isOurs && takeRights(path, mode & 0o700)) return;
    if (isMountedSecret(status)) return;
  }
  const advice = isOurs
    ? `run: chmod 600 ${path}`
    : `give it to the user ${getuid?.()} with mode 0400 (a secret of Docker: its uid and mode; of Kubernetes: defaultMode 0400 and fsGroup)`;
  throw new StartupError(`${what} ${path} can be read or changed by other users; ${advice}`);
}

/** Returns false on a read-only file system. */
function takeRights(path: string, mode: number): boolean {
  try {
    chmodSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
