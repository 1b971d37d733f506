import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { errorCode } from '../../lib/error-code.ts';
import type { Failure } from '../../lib/failure.ts';
import type { ResolveClient } from '../client-address.ts';
import { headerReader } from '../context.ts';
import type { Dialect } from '../dialect.ts';
import type { RequestLog } from '../request-log.ts';
import { linger } from './last-answer.ts';

/** Caddy passes on all headers of its client. They can be larger than Node's own limit of 16 KB. */
export const MAX_HEADER_BYTES = 64 * 1024;

export type Refusals = ReturnType<typeof createRefusals>;

/** Answers what does not reach the application. It has an id and a line in the log, like any other request. */
export function createRefusals(log: RequestLog, resolveClient: ResolveClient, dialect: Dialect) {
  function render(failure: Failure, socket: Socket, request?: IncomingMessage) {
    const { status, headers, body } = dialect(failure);
    const requestId = randomUUID();
    const forwardedFor = request && headerReader(request)('x-forwarded-for');
    log.answered(
      {
        request_id: requestId,
        method: request?.method,
        status,
        code: failure.code,
        client: resolveClient({ peer: socket.remoteAddress, forwardedFor }).address,
      },
      performance.now(),
    );
    return {
      status,
      headers: { 'X-Request-Id': requestId, ...headers, 'Content-Length': Buffer.byteLength(body) },
      body,
    };
  }

  return {
    /** Refuses a request that Node can read. */
    answer(response: ServerResponse, failure: Failure): void {
      const { status, headers, body } = render(failure, response.req.socket, response.req);
      response.writeHead(status, headers).end(body);
    },

    /** Writes the refusal to the socket, for what Node cannot answer. */
    answerOver(
      socket: Socket,
      failure: Failure,
      request?: IncomingMessage,
      further: Readonly<Record<string, string>> = {},
    ): void {
      if (!socket.writable) return;
      const { status, headers, body } = render(failure, socket, request);
      const lines = Object.entries({
        ...{ Date: new Date().toUTCString(), ...headers, ...further },
        Connection: 'close',
      });
      socket.write(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
      );
      linger(socket);
    },
  };
}

/** The failure for each of Node's errors about a request. */
export function unreadable(error: unknown): Failure {
  switch (errorCode(error)) {
    case 'HPE_HEADER_OVERFLOW':
      return { code: 'request_headers_too_large', limitBytes: MAX_HEADER_BYTES };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { code: 'request_timeout' };
    default:
      return { code: 'malformed_request', reason: 'not_http' };
  }
}
