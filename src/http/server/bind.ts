import type { Server } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import { errorCode } from '../../lib/error-code.ts';
import { StartupError } from '../../lib/startup-error.ts';
import { type ClosingOrder, closePort, untilNobodyWaits } from './close-port.ts';
import type { Connections } from './connections.ts';
import { type Endpoint, listenOn } from './port.ts';
import { listenOnFile, type SocketFile } from './socket-file.ts';

/** A socket that another program has opened and listens on, such as systemd. */
export type InheritedSocket = Readonly<{ descriptor: number }>;

/** Where to listen: a port, a socket file, or a socket that this process has inherited. */
export type AnyEndpoint = Endpoint | SocketFile | InheritedSocket;

/** How a server listens. */
export type Bound = Readonly<{
  /** Of a socket that is no port: its path, or nothing. */
  address: AddressInfo;
  /** Whether all its clients are on this machine, and have no address. */
  isLocal: boolean;
  /** Ends listening. No connection that was accepted, or that waits to be, is lost. */
  close(connections: Connections, order?: ClosingOrder): Promise<void>;
}>;

/** In this time, the connections that wait are accepted. */
const WITHIN_MS = 5_000;

/** The method of the HTTP server would close idle connections first, which takes time. */
const endListening = (server: Server) => void NetServer.prototype.close.call(server);

/** @throws StartupError */
export async function bind(server: Server, endpoint: AnyEndpoint): Promise<Bound> {
  if ('path' in endpoint) return bindFile(server, endpoint);
  if ('descriptor' in endpoint) return bindInherited(server, endpoint);
  return {
    address: await listenOn(server, endpoint),
    isLocal: false,
    close: (connections, order) => closePort(server, connections, order),
  };
}

async function bindFile(server: Server, file: SocketFile): Promise<Bound> {
  const remove = await listenOnFile(server, file);
  return {
    address: { address: file.path, family: 'unix', port: 0 },
    isLocal: true,
    async close(connections) {
      // Nobody can connect from now on, and those that have connected are served.
      remove();
      await untilNobodyWaits(connections, performance.now() + WITHIN_MS);
      endListening(server);
    },
  };
}

/** The other program keeps the socket open, and the clients that wait there. So this process only stops accepting. */
async function bindInherited(server: Server, { descriptor }: InheritedSocket): Promise<Bound> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new StartupError(
          `The socket of systemd cannot be used (${errorCode(error)}); check that it is a stream that listens.`,
        ),
      ),
    );
    server.listen({ fd: descriptor }, resolve);
  });
  const address = server.address();
  const isPort = typeof address === 'object' && address !== null;
  return {
    address: isPort ? address : { address: address ?? '', family: 'unix', port: 0 },
    isLocal: !isPort,
    close: async () => endListening(server),
  };
}
