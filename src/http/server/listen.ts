import { randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import { errorCode } from '../../lib/error-code.ts';
import type { Failure } from '../../lib/failure.ts';
import type { Logger } from '../../lib/logger.ts';
import { problem } from '../dialects/problem.ts';
import type { RequestLog } from '../request-log.ts';
import { type Endpoint, listenOn } from './port.ts';

/** `fast` answers the requests that it knows, and says whether it did. `fetch` answers all others. */
export type Application = {
  requestLog: RequestLog;
  fast: (request: IncomingMessage, response: ServerResponse) => boolean;
  fetch: Parameters<typeof getRequestListener>[0];
};

export type RunningServer = {
  address: AddressInfo;
  /** Accepts no more connections, lets requests in flight finish, and closes the rest after `graceMs`. */
  stop(graceMs: number): Promise<void>;
};

type Connection = { unanswered: number; latest: IncomingMessage | undefined };

/** Longer than the idle time of the usual proxies, so that the proxy and not this end closes a kept connection. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
/** For a connection on which no byte moves in either direction, although an answer waits to be read. */
const STALLED_MS = 120_000;
/** Clients that pipeline send a handful of requests. Each answer that is not read yet is held in memory. */
const MAX_PIPELINED = 16;

/** Caddy passes on all headers of its client. They may well be larger than Node's own limit of 16 KB. */
const MAX_HEADER_BYTES = 64 * 1024;

const invalidTarget: Failure = { code: 'malformed_request', reason: 'target' };

/** @throws StartupError when the port is not free */
export async function listen(
  { requestLog, fast, fetch }: Application,
  endpoint: Endpoint,
  logger: Logger,
): Promise<RunningServer> {
  const answer = getRequestListener(fetch, {
    errorHandler: (error) => {
      const isInvalid = error instanceof RequestError;
      if (!isInvalid) logger.error({ err: error }, 'a request failed outside the application');
      const { body, ...init } = problem(isInvalid ? invalidTarget : { code: 'internal_error' });
      return new Response(body, init);
    },
  });
  const connections = new Map<Socket, Connection>();
  function countAnswered(this: ServerResponse): void {
    const connection = connections.get(this.req.socket);
    if (connection) connection.unanswered--;
  }
  /** HTTP/1.0 has no Host: the health checks of load balancers still speak it. */
  const listener: RequestListener = (request, response) => {
    if (request.httpVersion === '1.0') request.headers.host ??= 'localhost';
    const connection = connections.get(request.socket);
    if (!connection || connection.unanswered >= MAX_PIPELINED) {
      request.socket.destroy();
      return;
    }
    connection.latest = request;
    connection.unanswered++;
    response.on('close', countAnswered);
    if (hasUserinfo(request)) answerDirectly(response, invalidTarget);
    else if (!fast(request, response)) void answer(request, response);
  };
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      requireHostHeader: false,
      // A second Authorization must not be dropped unseen: a proxy in front may have looked at that one.
      joinDuplicateHeaders: true,
    },
    listener,
  );
  // Lines past a count would be dropped unseen: X-Forwarded-For, or a second key. The limit on their size remains.
  server.maxHeadersCount = 0;
  server.setTimeout(STALLED_MS);
  server.on('connection', (socket) => {
    // Node keeps the address once it was read. After a reset it cannot be read, and a guess could be counted for nobody.
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    connections.set(socket, { unanswered: 0, latest: undefined });
    socket.once('close', () => connections.delete(socket));
  });
  server.on('checkExpectation', listener);
  /** Whether an earlier request has no answer yet: the client would match this one to it. A request whose body broke off
   * may get it. */
  const isAwaited = (socket: Socket) => {
    const { unanswered = 0, latest } = connections.get(socket) ?? {};
    return unanswered > 1 || (unanswered === 1 && latest?.complete === true);
  };
  const refuse = answerUnreadable(requestLog, isAwaited);
  // Earlier requests of the same packet are answered at the end of this turn.
  server.on('clientError', (error, socket: Socket) => setImmediate(refuse, error, socket));
  return { address: await listenOn(server, endpoint), stop: (graceMs) => stop(server, connections, graceMs) };
}

/** "user:password@host" in a target or in Host is not valid, and the error that Fetch throws would repeat it. */
function hasUserinfo({ url = '', headers }: IncomingMessage): boolean {
  const isPath = url.startsWith('/');
  return (headers.host ?? '').includes('@') || (!isPath && url.includes('@'));
}

function answerDirectly(response: ServerResponse, failure: Failure): void {
  const { status, headers, body } = problem(failure);
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
}

async function stop(
  server: Server,
  connections: ReadonlyMap<Socket, Connection>,
  graceMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.prependListener('request', (_request, response) => {
    response.shouldKeepAlive = false;
  });
  /** To Node a connection is not idle until something was asked over it. */
  for (const socket of connections.keys()) if (socket.bytesRead === 0) socket.destroy();
  /** A connection that was busy when the server closed becomes idle later, and would be kept open. */
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const cutOff = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cutOff);
}

/** Bytes that are not HTTP never reach the application. They still get an answer that says so. */
const answerUnreadable =
  (log: RequestLog, isAwaited: (socket: Socket) => boolean) => (error: Error, socket: Socket) => {
    const code = errorCode(error);
    // While an earlier request waits for its answer, the client would take this one for it.
    if (code === 'ECONNRESET' || !socket.writable || isAwaited(socket)) {
      socket.destroy();
      return;
    }
    const failure: Failure =
      code === 'HPE_HEADER_OVERFLOW'
        ? { code: 'request_headers_too_large', limitBytes: MAX_HEADER_BYTES }
        : { code: 'malformed_request', reason: 'not_http' };
    const { status, headers, body } = problem(failure);
    const request_id = randomUUID();
    const client = socket.remoteAddress ?? 'unknown';
    log.answered({ request_id, status, code: failure.code, client }, performance.now());
    const lines = Object.entries({
      'X-Request-Id': request_id,
      ...headers,
      'Content-Length': Buffer.byteLength(body),
      Connection: 'close',
    });
    socket.end(
      `HTTP/1.1 ${status} \r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
    );
    // Otherwise a peer that never closes its side would hold the connection for ever.
    socket.destroySoon();
  };
