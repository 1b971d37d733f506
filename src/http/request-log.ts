import { randomUUID } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import type { Logger } from '../lib/logger.ts';
import type { Client } from './client-address.ts';
import type { HttpContext, HttpEnv } from './env.ts';

/**
 * Gives every request an id and a client address, and writes one line when it is answered. The line names the route,
 * not the path, so that a key pasted into a URL does not end up in a log.
 */
export const requestLog = (
  logger: Logger,
  resolveClient: (peer: string | undefined, forwardedFor: string | undefined) => Client,
) =>
  createMiddleware<HttpEnv>(async (c, next) => {
    const start = performance.now();
    const requestId = randomUUID();
    const client = resolveClient(c.env.incoming.socket.remoteAddress, c.req.header('X-Forwarded-For'));
    c.set('requestId', requestId);
    c.set('client', client);
    c.header('X-Request-Id', requestId);
    c.header('X-Content-Type-Options', 'nosniff');
    await next();
    const level = c.var.logAtDebug ? 'debug' : 'info';
    if (!logger.isLevelEnabled(level)) return;
    logger[level]({
      request_id: requestId,
      method: c.req.method,
      route: routeOf(c),
      status: c.res.status,
      ms: Math.round((performance.now() - start) * 1_000) / 1_000,
      client: client.address,
      key_id: c.var.key?.id,
    });
  });

/** The pattern of the route that matched, whether or not the guard let the request reach it. */
function routeOf(c: HttpContext): string | undefined {
  return matchedRoutes(c).findLast((route) => route.path !== '/*')?.path;
}
