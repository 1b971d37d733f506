import { setTimeout as sleep } from 'node:timers/promises';
import { compose } from './compose.ts';
import type { Gateway } from './compose-gateway.ts';
import type { Config } from './config.ts';
import { prepareCorePort } from './core-port.ts';
import type { AnyEndpoint } from './http/server/bind.ts';
import type { ClosingOrder } from './http/server/close-port.ts';
import { listen, type RunningServer } from './http/server/listen.ts';
import type { Endpoint } from './http/server/port.ts';
import { systemClock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';
import { type SharedMemory, sharedMemory } from './shared-memory.ts';

export { type SharedMemory, sharedMemory };

/** Both sides of a WebSocket have so long to close it before its connection is cut off. */
const SOCKET_CLOSING_MS = 1_000;

/** Where to listen. `gateway`: undefined for the address in the file of the gateway. */
export type Endpoints = { core: AnyEndpoint; gateway?: Endpoint | undefined };

/** The order in which several workers close each port. */
export type ClosingOrders = Record<keyof Endpoints, ClosingOrder>;

/** A running service: this thread, or several together. */
export type Service = {
  /** 0 for a socket that is no port. */
  port: number;
  /** The URL of the main port, or `unix:` and the path of its socket. */
  address: string;
  /** The URL of the gateway; undefined when there is none. */
  gatewayAddress: string | undefined;
  /** Whether the first key can still be registered. */
  bootstrapOpen: boolean;
  /** Whether the first administrator can still be set up. */
  needsSetup: boolean;
  /**
   * Waits for the shutdown delay, so that load balancers notice. Then it closes the ports, waits for the requests in flight
   * for `graceMs` at most, and writes what is in memory.
   */
  stop(graceMs: number, orders?: ClosingOrders): Promise<void>;
  /** Reads the certificates again. */
  reload(): Promise<void>;
};

/**
 * Serves from this thread.
 * @param endpoints where to listen: the addresses of the configuration, unless this is one of several workers
 * @param memory what several workers share
 * @throws StartupError
 */
export async function serve(
  config: Config,
  logger: Logger,
  endpoints: Endpoints = { core: { ...config, isShared: false } },
  memory = sharedMemory(config),
): Promise<Service> {
  const port = await prepareCorePort(config, memory, logger);
  const keyhearth = await compose(config, logger, systemClock, memory);
  const { gateway } = keyhearth;
  const servers: Partial<Record<keyof Endpoints, RunningServer>> = {};
  try {
    const core = await listen(keyhearth, endpoints.core, logger, port.options);
    servers.core = core;
    port.serves(core);
    if (gateway) servers.gateway = await listenGateway(gateway, endpoints.gateway, logger);
    const all = Object.entries(servers) as [keyof Endpoints, RunningServer][];
    return {
      port: core.address.port,
      address: addressOf(core, config),
      gatewayAddress: servers.gateway && gateway?.port.addressOf(servers.gateway),
      bootstrapOpen: keyhearth.bootstrapOpen,
      needsSetup: keyhearth.needsSetup,
      async stop(graceMs, orders) {
        keyhearth.beginStop();
        for (const [, server] of all) server.closeAfterAnswers();
        await sleep(config.shutdownDelayMs);
        port.close();
        gateway?.stopSockets(Math.max(0, graceMs - SOCKET_CLOSING_MS));
        await Promise.all(all.map(([name, server]) => server.stop(graceMs, orders?.[name])));
        await keyhearth.close();
      },
      async reload() {
        await Promise.all([port.reload(), gateway?.port.reload()]);
      },
    };
  } catch (error) {
    // The first error is the reason.
    port.close();
    await servers.core?.stop(0).catch(() => undefined);
    await keyhearth.close().catch(() => undefined);
    throw error;
  }
}

/** With the host of the configuration, since that may be a name. */
function addressOf({ address }: RunningServer, { host, tls, listen: other }: Config): string {
  const scheme = tls ? 'https' : 'http';
  if (address.family === 'unix') return `unix:${address.address}`;
  const name = other === undefined ? host : address.address;
  return `${scheme}://${name.includes(':') ? `[${name}]` : name}:${address.port}`;
}

async function listenGateway(
  { application, port, live }: Gateway,
  endpoint: Endpoint | undefined,
  logger: Logger,
): Promise<RunningServer> {
  const { host, port: number } = live.current();
  const ofFile = { host, port: number, isShared: false, names: port.names };
  const server = await listen(application, endpoint ?? ofFile, logger, port.options);
  port.serves(server);
  return server;
}
