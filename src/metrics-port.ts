import { createServer, type RequestListener, type Server } from 'node:http';
import { hostname } from 'node:os';
import type { MetricsConfig } from './config/metrics.ts';
import { hostCheck } from './http/allowed-host.ts';
import { listenOn } from './http/server/port.ts';
import { systemClock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';
import { createRender, type RenderMetrics } from './metrics/render.ts';
import { lockoutsNow, type SharedMemory } from './shared-memory.ts';

const VARIABLE = 'KEYHEARTH_METRICS_LISTEN';

/** Prometheus keeps its connection, and usually asks each 15 or 60 seconds. */
const KEEP_ALIVE_MS = 75_000;
const REQUEST_MS = 10_000;
/** Node checks its time limits every 30 seconds, so it would notice them late. */
const CHECK_TIMES_EVERY_MS = 500;
/** The usual Prometheus has one. */
const MAX_CONNECTIONS = 32;

export type MetricsPort = Readonly<{ url: string; close(): void }>;

/**
 * Serves the metrics on a port of their own, to everybody who reaches it. One thread serves it for all workers, because
 * their numbers are in memory that it shares.
 * @throws StartupError when the port is not free
 */
export async function openMetricsPort(
  { host, port }: NonNullable<MetricsConfig['metricsListen']>,
  memory: SharedMemory,
  logger: Logger,
): Promise<MetricsPort> {
  const lockouts = () => lockoutsNow(memory, systemClock.monotonic());
  const server: Server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_TIMES_EVERY_MS,
    },
    answer(createRender(memory.metrics, { lockouts }), logger),
  );
  server.maxConnections = MAX_CONNECTIONS;
  const names = { host: VARIABLE, port: VARIABLE };
  const address = await listenOn(server, { host, port, isShared: false, names });
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}/metrics`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Only for the loopback: elsewhere, Prometheus may know this machine by any name. */
const isAllowedHost = hostCheck({ allowedHosts: [], ownName: hostname(), isTrusted: () => false });

const WRONG_HOST =
  'Use localhost, an IP address or the name of this machine. A page in a browser can send any other Host.\n';

const answer =
  (render: RenderMetrics, logger: Logger): RequestListener =>
  async ({ method, url, headers, socket }, response) => {
    if (!isAllowedHost(socket.remoteAddress, headers.host))
      return void response.writeHead(421).end(WRONG_HOST);
    if (url?.split('?')[0] !== '/metrics') return void response.writeHead(404).end();
    if (method !== 'GET' && method !== 'HEAD')
      return void response.writeHead(405, { Allow: 'GET, HEAD' }).end();
    try {
      const { text, contentType } = await render(headers.accept);
      response.writeHead(200, { 'Content-Type': contentType, Vary: 'Accept' }).end(text);
    } catch (err) {
      logger.error({ err }, 'the metrics could not be written');
      response.writeHead(500).end();
    }
  };
