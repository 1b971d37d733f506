import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { openai } from '../../http/dialects/openai.ts';
import { rateLimitHeaders } from '../../http/rate-limit-headers.ts';
import type { RequestLog } from '../../http/request-log.ts';
import { SECURITY_HEADERS } from '../../http/security-headers.ts';
import type { Failure, FailureCode } from '../../lib/failure.ts';
import type { KeyPrincipal } from '../../lib/principal.ts';
import type { LimitState } from '../../lib/rate-limit.ts';
import type { Release } from './authenticate-client.ts';
import { CORS } from './cors.ts';

/** What nginx logs for a client that goes away before its answer. */
const CLIENT_LEFT = 499;

/** A request of a client, and what is known of it so far. */
export type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** `performance.now()` when it arrived. */
  readonly start: number;
  /** Pages may read the answer. */
  readonly isForPages: boolean;
  client: string;
  principal: KeyPrincipal | undefined;
  limits: readonly LimitState[];
  release: Release | undefined;
  route: string | undefined;
  /** The name of the upstream that was asked. */
  upstream: string | undefined;
  code: FailureCode | undefined;
};

/** Begins an exchange, which logs its line and gives its place back when it has ended. */
export function beginExchange(
  request: IncomingMessage,
  response: ServerResponse,
  isForPages: boolean,
  log: RequestLog,
): Exchange {
  const exchange: Exchange = {
    request,
    response,
    requestId: randomUUID(),
    start: performance.now(),
    isForPages,
    client: 'unknown',
    principal: undefined,
    limits: [],
    release: undefined,
    route: undefined,
    upstream: undefined,
    code: undefined,
  };
  response.once('close', () => {
    exchange.release?.();
    exchange.release = undefined;
    log.answered(
      {
        request_id: exchange.requestId,
        method: request.method,
        route: exchange.route,
        status: response.headersSent ? response.statusCode : CLIENT_LEFT,
        code: exchange.code,
        client: exchange.client,
        key_id: exchange.principal?.id,
        upstream: exchange.upstream,
      },
      exchange.start,
      'info',
      request,
    );
  });
  return exchange;
}

/** The headers that every answer has beside its own. */
export function commonHeaders({ isForPages, limits }: Exchange): string[] {
  const list: string[] = isForPages ? [...CORS] : [];
  if (limits.length > 0) list.push(...Object.entries(rateLimitHeaders(limits)).flat());
  return list;
}

/** Answers a request that failed. When the answer has begun already, it ends the connection. */
export function fail(exchange: Exchange, failure: Failure): void {
  const { response, requestId } = exchange;
  exchange.code = failure.code;
  if (response.headersSent) return void response.destroy();
  const { status, headers, body } = openai(failure);
  const list = Object.entries({ 'X-Request-Id': requestId, ...headers }).flat();
  // The failure of a limit has its own headers.
  const common = commonHeaders({ ...exchange, limits: [] });
  // The rest of the body may take for ever.
  if (failure.code === 'request_timeout') common.push('Connection', 'close');
  response.writeHead(status, [...list, ...common, 'Content-Length', String(Buffer.byteLength(body))]);
  response.end(body);
}

/** Answers with JSON of the gateway itself. */
export function answerJson(exchange: Exchange, value: object): void {
  const body = JSON.stringify(value);
  const headers = {
    'X-Request-Id': exchange.requestId,
    ...SECURITY_HEADERS,
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
  };
  exchange.response.writeHead(200, [...Object.entries(headers).flat(), ...commonHeaders(exchange)]);
  exchange.response.end(body);
}
