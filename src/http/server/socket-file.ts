import { chmodSync, lstatSync, renameSync, rmSync, type Stats } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { errorCode } from '../../lib/error-code.ts';
import { StartupError } from '../../lib/startup-error.ts';

/** A Unix socket in the file system, and the rights of its file. */
export type SocketFile = Readonly<{ path: string; mode: number }>;

/** The system keeps so many bytes of a path, without the zero at its end: unix(7). */
const MAX_PATH_BYTES = 107;

/**
 * Listens on a socket file. One that a dead process has left is replaced, in one step.
 * @returns a function that removes the file, unless another process has replaced it since
 * @throws StartupError when another program listens there, and for a file that is no socket
 */
export async function listenOnFile(server: Server, { path, mode }: SocketFile): Promise<() => void> {
  await assertFree(path);
  // Node removes the path that it was given when it stops to listen. By then, it may be the socket of another process.
  const first = `${path}.${process.pid}`;
  if (Buffer.byteLength(first) > MAX_PATH_BYTES)
    throw new StartupError(`The path of the socket ${path} is too long; choose a shorter one.`);
  rmSync(first, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(unusable(path, error)));
    server.listen({ path: first }, resolve);
  });
  try {
    chmodSync(first, mode);
    renameSync(first, path);
  } catch (error) {
    throw unusable(path, error);
  }
  const own = fileAt(path);
  return () => {
    const now = fileAt(path);
    if (own && now && now.ino === own.ino && now.dev === own.dev) rmSync(path, { force: true });
  };
}

const unusable = (path: string, error: unknown) =>
  new StartupError(
    `Cannot listen on ${path} (${errorCode(error)}); check that its directory exists and is writable.`,
  );

function fileAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

async function assertFree(path: string): Promise<void> {
  const file = fileAt(path);
  if (!file) return;
  if (!file.isSocket())
    throw new StartupError(`${path} is not a socket; remove it, or set KEYHEARTH_LISTEN to another path.`);
  if (await isAlive(path))
    throw new StartupError(
      `${path} is in use; stop the program that listens there, or set KEYHEARTH_LISTEN to another path.`,
    );
}

const isAlive = (path: string) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    // A full queue, or a missing right, is a sign of life too.
    socket.on('error', (error) => resolve(errorCode(error) !== 'ECONNREFUSED'));
  });
