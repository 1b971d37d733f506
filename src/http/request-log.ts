import { randomUUID } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import type { FailureCode } from '../lib/failure.ts';
import { type Level, type Logger, logLine } from '../lib/logger.ts';
import type { ResolveClient } from './client-address.ts';
import { type HttpContext, type HttpEnv, headerReader } from './context.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/**
 * Gives every request an id, a client address and the security headers, and writes one line when it is answered. The line names the route,
 * not the path, so that a key pasted into a URL does not end up in a log.
 */
export const requestLog = (logger: Logger, resolveClient: ResolveClient) =>
  createMiddleware<HttpEnv>(async (c, next) => {
    const start = performance.now();
    const requestId = randomUUID();
    const { incoming } = c.env;
    const client = resolveClient(incoming.socket.remoteAddress, headerReader(incoming)('x-forwarded-for'));
    c.set('requestId', requestId);
    c.set('client', client);
    c.header('X-Request-Id', requestId);
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.header(name, value);
    await next();
    logAnswer(logger, c.var.logAtDebug ? 'debug' : 'info', start, {
      request_id: requestId,
      method: c.req.method,
      route: routeOf(c),
      status: c.res.status,
      code: c.var.failureCode,
      client: client.address,
      key_id: c.var.principal?.id,
    });
  });

type AnsweredRequest = {
  request_id: string;
  method: string;
  /** The pattern, not the path. */
  route: string | undefined;
  status: number;
  /** Why it was refused. */
  code: FailureCode | undefined;
  client: string;
  key_id: number | undefined;
};

/**
 * Writes the line of a request. A request that fails because of the database is logged at debug: the engine or the
 * error handler logs the cause.
 * @param start `performance.now()` when the request arrived
 */
export function logAnswer(logger: Logger, usual: Level, start: number, request: AnsweredRequest): void {
  const level = request.code === 'database_unavailable' ? 'debug' : usual;
  if (!logger.isLevelEnabled(level)) return;
  const { request_id, method, route, status, code, client, key_id } = request;
  const ms = (performance.now() - start).toFixed(3);
  logLine(
    logger,
    level,
    `"request_id":"${request_id}","method":"${method}"${optional('route', route)},"status":${status}` +
      `${optional('code', code)},"client":"${client}"${key_id === undefined ? '' : `,"key_id":${key_id}`},"ms":${ms}`,
  );
}

/** As JSON. No logged value of a request holds a character that would need an escape. */
const optional = (name: string, text: string | undefined) =>
  text === undefined ? '' : `,"${name}":"${text}"`;

/** The pattern of the route that matched, whether or not the request was allowed to reach it. */
function routeOf(c: HttpContext): string | undefined {
  return matchedRoutes(c).findLast((route) => !route.path.endsWith('*'))?.path;
}
