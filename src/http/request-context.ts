import { randomUUID } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import type { Principal } from '../lib/principal.ts';
import type { ResolveClient } from './client-address.ts';
import { type HttpContext, type HttpEnv, headerReader } from './context.ts';
import type { RequestLog } from './request-log.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** Gives every request an id, a client address and the security headers, and logs its answer. */
export const requestContext = (log: RequestLog, resolveClient: ResolveClient) =>
  createMiddleware<HttpEnv>(async (c, next) => {
    const start = performance.now();
    const requestId = randomUUID();
    const { incoming } = c.env;
    const client = resolveClient({
      peer: incoming.socket.remoteAddress,
      forwardedFor: headerReader(incoming)('x-forwarded-for'),
    });
    c.set('requestId', requestId);
    c.set('client', client);
    c.header('X-Request-Id', requestId);
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.header(name, value);
    await next();
    const answered = {
      request_id: requestId,
      method: c.req.method,
      route: routeOf(c),
      status: c.res.status,
      code: c.var.failureCode,
      client: client.address,
      ...actorIds(c.var.principal),
      managed_by: c.var.managedBy,
    };
    log.answered(answered, start, c.var.logAtDebug ? 'debug' : 'info', incoming);
  });

const actorIds = (principal: Principal | undefined) => ({
  key_id: principal?.kind === 'key' ? principal.id : undefined,
  account_id: principal?.kind === 'account' ? principal.id : undefined,
});

/** The pattern of the route that matched, whether or not the request was allowed to reach it. */
function routeOf(c: HttpContext): string | undefined {
  return matchedRoutes(c).findLast((route) => !route.path.endsWith('*'))?.path;
}
