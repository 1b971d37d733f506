import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { errorCode } from '../../lib/error-code.ts';
import { StartupError } from '../../lib/startup-error.ts';

/** The names of the settings that say where to listen, for error messages. */
export type SettingNames = Readonly<{ host: string; port: string }>;

const VARIABLES: SettingNames = { host: 'HOST', port: 'PORT' };

/** `isShared`: other threads of this process listen on the same port. The system distributes the connections. */
export type Endpoint = { host: string; port: number; isShared: boolean; names?: SettingNames };

/** A port that only this process uses, although its threads share it. */
export type ReservedPort = { port: number; release(): void };

/**
 * Checks that the port is free, and finds a free one for port 0. With `reusePort` a second service could silently take a
 * part of the connections. So the port is also claimed under a name that only one process can hold: an abstract Unix
 * socket, unix(7).
 * @throws StartupError
 */
export async function reservePort({ host, port, names }: Omit<Endpoint, 'isShared'>): Promise<ReservedPort> {
  const probe = createServer();
  const free = await listenOn(probe, { host, port, isShared: false, ...(names && { names }) });
  await new Promise((resolve) => probe.close(resolve));
  const claim = createNetServer((socket) => socket.destroy()).unref();
  await new Promise<void>((resolve, reject) => {
    claim.once('error', (error) => reject(asStartupError(error, host, free.port, names)));
    claim.listen(`\0keyhearth:${host}:${free.port}`, resolve);
  });
  return { port: free.port, release: () => void claim.close() };
}

/** @throws StartupError */
export async function listenOn(
  server: Server,
  { host, port, isShared, names }: Endpoint,
): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(asStartupError(error, host, port, names)));
    server.listen({ port, host, reusePort: isShared }, resolve);
  });
  return server.address() as AddressInfo;
}

function asStartupError(error: Error, host: string, port: number, names = VARIABLES): StartupError {
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new StartupError(
        `Port ${port} on ${host} is in use; stop the program that has it, or set ${names.port} to another.`,
      );
    case 'ENOTSUP':
    case 'EINVAL':
      return new StartupError(
        'This system cannot share a port between threads; set KEYHEARTH_WORKERS to 1, or use Linux.',
      );
    case 'EACCES':
      return new StartupError(
        `This user may not listen on port ${port}; set ${names.port} to one above 1023.`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartupError(`${host} is not an address of this machine; set ${names.host} to one that is.`);
    default:
      return new StartupError(
        `Cannot listen on ${host} port ${port} (${errorCode(error)}); check ${names.host} and ${names.port}.`,
      );
  }
}
