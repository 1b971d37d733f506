import { createMiddleware } from 'hono/factory';
import type { Visitor } from '../accounts/sessions.ts';
import type { HttpContext, HttpEnv } from '../http/context.ts';
import { isCrossSite } from '../http/cross-site.ts';
import { sendFailure } from '../http/failures.ts';

/** The person behind a request that needs no credential. */
export const visitorOf = (c: HttpContext): Visitor => ({
  address: c.var.client.address,
  lockoutKey: c.var.client.lockoutKey,
  requestId: c.var.requestId,
  userAgent: c.req.header('user-agent') ?? '',
});

/** A page of another site must not sign a person in or out. For open routes that set or end a cookie. */
export const refuseCrossSite = createMiddleware<HttpEnv>((c, next) =>
  isCrossSite(c.env.incoming) ? Promise.resolve(sendFailure(c, { code: 'cross_site_request' })) : next(),
);
