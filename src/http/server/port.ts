import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { errorCode } from '../../lib/error-code.ts';
import { StartupError } from '../../lib/startup-error.ts';

/** `isShared`: other threads of this process listen on the same port. The system distributes the connections. */
export type Endpoint = { host: string; port: number; isShared: boolean };

/** A port that only this process uses, although its threads share it. */
export type ReservedPort = { port: number; release(): void };

/**
 * Checks that the port is free, and finds a free one for port 0. With `reusePort` a second service could silently take a
 * part of the connections. So the port is also claimed under a name that only one process can hold: an abstract Unix
 * socket, unix(7).
 * @throws StartupError
 */
export async function reservePort({ host, port }: Pick<Endpoint, 'host' | 'port'>): Promise<ReservedPort> {
  const probe = createServer();
  const free = await listenOn(probe, { host, port, isShared: false });
  await new Promise((resolve) => probe.close(resolve));
  const claim = createNetServer((socket) => socket.destroy()).unref();
  await new Promise<void>((resolve, reject) => {
    claim.once('error', (error) => reject(asStartupError(error, host, free.port)));
    claim.listen(`\0keyhearth:${host}:${free.port}`, resolve);
  });
  return { port: free.port, release: () => void claim.close() };
}

/** @throws StartupError */
export async function listenOn(server: Server, { host, port, isShared }: Endpoint): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(asStartupError(error, host, port)));
    server.listen({ port, host, reusePort: isShared }, resolve);
  });
  return server.address() as AddressInfo;
}

function asStartupError(error: Error, host: string, port: number): StartupError {
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new StartupError(
        `Port ${port} on ${host} is in use; stop the program that has it, or set PORT to another.`,
      );
    case 'ENOTSUP':
    case 'EINVAL':
      return new StartupError(
        'This system cannot share a port between threads; set KEYHEARTH_WORKERS to 1, or use Linux.',
      );
    case 'EACCES':
      return new StartupError(`This user may not listen on port ${port}; set PORT to one above 1023.`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartupError(`${host} is not an address of this machine; set HOST to one that is.`);
    default:
      return new StartupError(
        `Cannot listen on ${host} port ${port} (${errorCode(error)}); check HOST and PORT.`,
      );
  }
}
