import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { type HttpEnv, headerReader } from '../../http/context.ts';
import { management } from '../../http/dialects/management.ts';
import { sendFailure } from '../../http/failures.ts';
import { isFromLocalPage } from '../../http/other-page.ts';
import { NO_STORE } from '../../http/security-headers.ts';
import { product } from '../../lib/product.ts';
import type { ManagementParts } from './parts.ts';

/** The control panel of the original reads the version from it. */
const VERSION_HEADER = 'X-CPA-VERSION';

/**
 * The control panel is a page of any origin. It sends its secret itself, and no browser adds a credential, so the page of
 * somebody else can do nothing.
 */
const allowPages = cors({
  origin: '*',
  allowMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  exposeHeaders: [VERSION_HEADER],
  maxAge: 600,
});

/** Everything behind it needs the management secret. What does not exist is a 404 to those who have it. */
export function guard({ live, auth }: ManagementParts): MiddlewareHandler<HttpEnv>[] {
  return [
    async (c, next) => {
      await live.catchUp();
      c.set('dialect', management);
      for (const [name, value] of Object.entries(NO_STORE)) c.header(name, value);
      if (auth.isEnabled()) return next();
      c.header('Access-Control-Allow-Origin', '*');
      return sendFailure(c, { code: 'management_refused', reason: 'disabled', retryAfter: 0 });
    },
    allowPages,
    async (c, next) => {
      c.header(VERSION_HEADER, product.version);
      const { incoming } = c.env;
      const { client } = c.var;
      const authentication = await auth.authenticate({
        peer: incoming.socket.remoteAddress,
        headers: incoming.headers,
        header: headerReader(incoming),
        // A trusted proxy is not exempt: whoever can send from it may not guess without an end either.
        address: client.lockoutKey ?? client.address,
        isFromLocalPage: isFromLocalPage(client.ip?.text, incoming.headers),
      });
      if (authentication.state === 'refused') return sendFailure(c, authentication.failure);
      c.set('managedBy', authentication.by);
      return next();
    },
  ];
}
