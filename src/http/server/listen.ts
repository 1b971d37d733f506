import { randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener, RequestError } from '@hono/node-server';
import { errorCode } from '../../lib/error-code.ts';
import type { Failure } from '../../lib/failure.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ResolveClient } from '../client-address.ts';
import { watchEnd, watchUnread } from '../departure.ts';
import type { Dialect } from '../dialect.ts';
import { problem } from '../dialects/problem.ts';
import type { RequestLog } from '../request-log.ts';
import { type AnyEndpoint, bind } from './bind.ts';
import type { KeyPair } from './certificate.ts';
import type { ClosingOrder } from './close-port.ts';
import { type Connections, trackConnections } from './connections.ts';
import { ClosableResponse } from './last-answer.ts';
import { createRefusals, MAX_HEADER_BYTES, type Refusals, unreadable } from './refusals.ts';
import { stop } from './stop.ts';

/** `fast` answers the requests that it knows, and returns whether it did. `fetch` answers all others. */
export type Application = {
  requestLog: RequestLog;
  resolveClient: ResolveClient;
  fast: (request: IncomingMessage, response: ServerResponse) => boolean;
  fetch: Parameters<typeof getRequestListener>[0];
  /** Takes the connection of a request for a WebSocket, or refuses it. Without it, the request is like any other. */
  upgrade?: Upgrade;
};

export type Upgrade = (
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  refuse: (failure: Failure, headers?: Readonly<Record<string, string>>) => void,
) => void;

export type ServerOptions = Readonly<{
  /** How requests are refused that do not reach the application. */
  dialect: Dialect;
  /** The limit for a whole request, in milliseconds; 0 for none. */
  requestMs: number;
  /** A connection on which no byte moves may stay open while the application works on its answer. */
  answersTakeLong: boolean;
  /** The limit for a connection on which no byte moves, although the client must send or read. */
  stalledMs?: number;
  /** The certificate of an HTTPS server; absent for HTTP. */
  tls?: KeyPair;
}>;

export type RunningServer = {
  address: AddressInfo;
  /** The certificate for new connections. Those that are open keep theirs. */
  useCertificate(pair: KeyPair): void;
  /** From now on, the last answer on each connection says "Connection: close". */
  closeAfterAnswers(): void;
  /** Closes the port, answers the requests that have arrived, and closes all other connections after `graceMs`. */
  stop(graceMs: number, order?: ClosingOrder): Promise<void>;
};

/** The usual proxies close idle connections earlier. So the proxy closes a kept connection, and not this side. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_MS = 10_000;
/** Node checks its time limits every 30 seconds, so it would notice them late. */
const CHECK_TIMES_EVERY_MS = 500;
const STALLED_MS = 120_000;
/** After a stop, a handler whose connection was cut off has so long to write its log line. */
const SETTLE_MS = 1_000;

/** The options of the main port, which takes JSON and answers at once. */
export const CORE: ServerOptions = { dialect: problem, requestMs: 30_000, answersTakeLong: false };

/** The address of all clients of a Unix socket, which are on this machine. */
const LOCAL_CLIENT = '127.0.0.1';

const invalidTarget: Failure = { code: 'malformed_request', reason: 'target' };

/** @throws StartupError when the port is not free */
export async function listen(
  application: Application,
  endpoint: AnyEndpoint,
  logger: Logger,
  options = CORE,
): Promise<RunningServer> {
  const { dialect, requestMs, answersTakeLong, stalledMs = STALLED_MS, tls } = options;
  const refusals = createRefusals(application.requestLog, application.resolveClient, dialect);
  const { answer, settled } = handler(application, refusals, logger, dialect);
  const connections = trackConnections(answer);
  const limits = {
    ServerResponse: ClosableResponse,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_MS,
    requestTimeout: requestMs,
    maxHeaderSize: MAX_HEADER_BYTES,
    connectionsCheckingInterval: CHECK_TIMES_EVERY_MS,
    requireHostHeader: false,
    // Node must not drop a second Authorization, because a proxy in front may have checked that one.
    joinDuplicateHeaders: true,
    // Some clients of HTTP/1.1 offer HTTP/2 in this way, and may be answered without it.
    shouldUpgradeCallback: ({ headers }: IncomingMessage) =>
      application.upgrade !== undefined && headers.upgrade?.toLowerCase() === 'websocket',
  };
  const server: Server | SecureServer = tls
    ? // Loading it takes time at the start, and few services need it.
      (await import('node:https')).createServer({ ...limits, ...tls, handshakeTimeout: HEADERS_MS })
    : createServer(limits);
  // No limit on the number of headers: Node would drop the others, such as X-Forwarded-For or a second key.
  server.maxHeadersCount = 0;
  server.setTimeout(stalledMs);
  if (answersTakeLong) server.on('timeout', connections.closeUnlessAnswering);
  // An option that Node's types do not have: a client that ends its side after a request still gets the answer. Where
  // answers take long, a client that ends its side has gone away.
  Object.assign(server, { httpAllowHalfOpen: !answersTakeLong });
  const local = { isLocal: 'path' in endpoint };
  receive(server, connections, refusals, options, local);
  if (application.upgrade) passUpgrades(server, application.upgrade, connections, refusals);
  const bound = await bind(server, endpoint);
  local.isLocal = bound.isLocal;
  return {
    address: bound.address,
    useCertificate: (pair) => (server as SecureServer).setSecureContext(pair),
    closeAfterAnswers: connections.closeAfterAnswers,
    async stop(graceMs, order) {
      await stop(server, connections, graceMs, () => bound.close(connections, order));
      await Promise.race([settled(), sleep(SETTLE_MS, undefined, { ref: false })]);
    },
  };
}

/** `answer` answers one request. `settled` waits for all that are not finished, whether or not a client still listens. */
function handler(
  { fast, fetch }: Application,
  refusals: Refusals,
  logger: Logger,
  dialect: Dialect,
): { answer: RequestListener; settled(): Promise<unknown> } {
  const running = new Set<Promise<void>>();
  const viaFetch = getRequestListener(fetch, {
    // `connections.ts` handles the rest of a body.
    autoCleanupIncoming: false,
    errorHandler: (error) => {
      if (error instanceof RequestError) return;
      const requestId = randomUUID();
      logger.error({ request_id: requestId, err: error }, 'a request failed outside the application');
      const { status, headers, body } = dialect({ code: 'internal_error' });
      return new Response(body, { status, headers: { 'X-Request-Id': requestId, ...headers } });
    },
  });

  async function answerSlowly(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await viaFetch(request, response);
    if (!response.headersSent) refusals.answer(response, invalidTarget);
  }

  return {
    answer(request, response) {
      // HTTP/1.0 has no Host, and the health checks of some load balancers use it.
      if (request.httpVersion === '1.0') request.headers.host ??= 'localhost';
      if (hasUserinfo(request)) return void refusals.answer(response, invalidTarget);
      if (fast(request, response)) return;
      const answering = answerSlowly(request, response).finally(() => running.delete(answering));
      running.add(answering);
    },
    settled: () => Promise.allSettled(running),
  };
}

/** Handles the requests that Node can read, and those that it cannot. */
function receive(
  server: Server,
  connections: Connections,
  refusals: Refusals,
  { tls, answersTakeLong }: ServerOptions,
  local: Readonly<{ isLocal: boolean }>,
): void {
  const isEncrypted = tls !== undefined;
  const [whileRead, whileUnread] = answersTakeLong ? [watchEnd, watchUnread] : [];
  if (isEncrypted) server.on('connection', connections.addEncrypted);
  server.on(isEncrypted ? 'secureConnection' : 'connection', (socket: Socket) => {
    if (local.isLocal) Object.defineProperty(socket, 'remoteAddress', { value: LOCAL_CLIENT });
    // Node remembers the address when it is read once. After a reset it cannot be read, and a guess would not count.
    if (socket.remoteAddress === undefined) socket.destroy();
    else connections.add(socket);
  });
  server.on('request', connections.receive);
  server.on('checkExpectation', connections.receive);
  server.on('clientError', (error, socket: Socket) => {
    if (errorCode(error) === 'ECONNRESET') return void socket.destroy();
    // The client has sent no request, so it gets no answer.
    if (socket.bytesRead === 0) return void socket.destroy();
    connections.afterAnswers(socket, () => refusals.answerOver(socket, unreadable(error)), whileRead);
  });
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => undefined);
    connections.afterAnswers(socket, () => refusals.answerOver(socket, invalidTarget, request), whileUnread);
  });
}

function passUpgrades(server: Server, upgrade: Upgrade, connections: Connections, refusals: Refusals): void {
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.setTimeout(0);
    socket.on('error', () => undefined);
    connections.afterAnswers(
      socket,
      () => {
        if (hasUserinfo(request)) refusals.answerOver(socket, invalidTarget, request);
        else
          upgrade(request, socket, head, (failure, headers) =>
            refusals.answerOver(socket, failure, request, headers),
          );
      },
      watchUnread,
    );
  });
}

/** "user:password@host" in a target or in Host is invalid, and the error that Fetch throws would repeat it. */
function hasUserinfo({ url = '', headers }: IncomingMessage): boolean {
  const isPath = url.startsWith('/');
  return (headers.host ?? '').includes('@') || (!isPath && url.includes('@'));
}
