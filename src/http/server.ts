import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import { errorCode, type Problem, StartupError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { internalError, renderProblem } from './problem.ts';

export type Fetch = Parameters<typeof getRequestListener>[0];

export type RunningServer = {
  address: AddressInfo;
  /** Accepts nothing more, lets what is in flight finish, and cuts off after `graceMs` what has not. */
  stop(graceMs: number): Promise<void>;
};

/** Longer than the idle time of the usual proxies, so that the proxy and not this end closes a kept connection. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
/** For a connection on which nothing moves, in either direction, although an answer is waiting to be read. */
const STALLED_MS = 120_000;
/** Clients that pipeline at all send a handful; each answer that is not read yet is held in memory. */
const MAX_PIPELINED = 16;

const unreadableTarget: Problem = {
  code: 'malformed_request',
  detail: 'The request target or the Host header is not valid.',
};

/** @throws StartupError when the port cannot be had. */
export async function listen(
  fetch: Fetch,
  host: string,
  port: number,
  logger: Logger,
): Promise<RunningServer> {
  const answer = getRequestListener(fetch, {
    errorHandler: (error) => {
      const isUnreadable = error instanceof RequestError;
      if (!isUnreadable) logger.error({ err: error }, 'a request failed outside the application');
      const { body, ...init } = renderProblem(isUnreadable ? unreadableTarget : internalError);
      return new Response(body, init);
    },
  });
  const unanswered = new WeakMap<Socket, { count: number; latest: IncomingMessage }>();
  /** HTTP/1.0 has no Host: the health checks of load balancers still speak it. */
  const listener: RequestListener = (request, response) => {
    if (request.httpVersion === '1.0') request.headers.host ??= 'localhost';
    const { socket } = request;
    const waiting = unanswered.get(socket) ?? { count: 0, latest: request };
    if (waiting.count >= MAX_PIPELINED) {
      socket.destroy();
      return;
    }
    unanswered.set(socket, waiting);
    waiting.latest = request;
    waiting.count++;
    response.once('close', () => waiting.count--);
    if (hasUserinfo(request)) answerDirectly(response, unreadableTarget);
    else void answer(request, response);
  };
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      requireHostHeader: false,
    },
    listener,
  );
  const sockets = new Set<Socket>();
  server.setTimeout(STALLED_MS);
  server.on('connection', (socket) => {
    // Asked for now, the address is remembered; after a reset it could not be had, and nobody could be blamed.
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('checkExpectation', listener);
  /** Whether an answer would be taken for that of another request: the one whose body broke off may well have it. */
  const isAwaited = (socket: Socket) => {
    const { count = 0, latest } = unanswered.get(socket) ?? {};
    return count > 1 || (count === 1 && latest?.complete === true);
  };
  server.on('clientError', answerUnreadable(logger, isAwaited));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(asStartupError(error, host, port)));
    server.listen(port, host, resolve);
  });
  return { address: server.address() as AddressInfo, stop: (graceMs) => stop(server, sockets, graceMs) };
}

/** "user:password@host" in a target or in Host is no name of this service, and Fetch would throw it back whole. */
function hasUserinfo({ url = '', headers }: IncomingMessage): boolean {
  const isPath = url.startsWith('/');
  return (headers.host ?? '').includes('@') || (!isPath && url.includes('@'));
}

function answerDirectly(response: ServerResponse, problem: Problem): void {
  const { status, headers, body } = renderProblem(problem);
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
}

async function stop(server: Server, sockets: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.prependListener('request', (_request, response) => {
    response.shouldKeepAlive = false;
  });
  /** To Node a connection is not idle until something was asked over it. */
  for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  /** A connection that was busy when the server closed becomes idle later, and would be kept open. */
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const cutOff = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cutOff);
}

/** What is not HTTP never reaches the application; it still gets an answer that says so. */
const answerUnreadable =
  (logger: Logger, isAwaited: (socket: Socket) => boolean) => (error: Error, socket: Socket) => {
    const code = errorCode(error);
    // Where an earlier request still waits for its answer, this one would be taken for it.
    if (code === 'ECONNRESET' || !socket.writable || isAwaited(socket)) {
      socket.destroy();
      return;
    }
    const { status, headers, body } = renderProblem(
      code === 'HPE_HEADER_OVERFLOW'
        ? { code: 'request_headers_too_large', detail: 'The request headers are larger than 16 KiB.' }
        : { code: 'malformed_request', detail: 'The request is not valid HTTP, or did not arrive in time.' },
    );
    logger.info({ status, client: socket.remoteAddress, reason: code }, 'unreadable request');
    const lines = Object.entries({
      ...headers,
      'Content-Length': Buffer.byteLength(body),
      Connection: 'close',
    });
    socket.end(
      `HTTP/1.1 ${status} \r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
    );
    // Half-open, a peer that never closes its side would hold the connection for ever.
    socket.destroySoon();
  };

function asStartupError(error: Error, host: string, port: number): StartupError {
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new StartupError(
        `Port ${port} on ${host} is in use; stop the program that has it, or set PORT to another.`,
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
