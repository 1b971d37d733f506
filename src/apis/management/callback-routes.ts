import { OAUTH_PROVIDERS } from '../../gateway-file/config.ts';
import { management } from '../../http/dialects/management.ts';
import type { createRouter } from '../../http/router.ts';
import { NO_STORE } from '../../http/security-headers.ts';
import { DomainError } from '../../lib/failure.ts';
import type { ManagementParts } from './parts.ts';
import { recordChange } from './request.ts';

const PAGE_HEADERS = {
  ...NO_STORE,
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
  'Referrer-Policy': 'no-referrer',
} as const;

/** Nothing of the request is on it. */
const page = (title: string, sentence: string) =>
  `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><p>${sentence}</p></html>\n`;

const signedIn = page('Signed in', 'The gateway has its tokens. You can close this page.');
const notSignedIn = page(
  'Not signed in',
  'The sign-in is unknown, over or refused. Start another one. The log of the gateway says more.',
);

/** Where the providers send the browser after a sign-in. The state in the URL is the credential. */
export function addCallbackRoutes(router: ReturnType<typeof createRouter>, parts: ManagementParts): void {
  for (const provider of OAUTH_PROVIDERS) {
    router.get(`/${provider}/callback`, async (c) => {
      c.set('dialect', management);
      // Hono answers HEAD by GET. Programs that only look at a link must not end the sign-in.
      if (c.req.raw.method === 'HEAD') throw new DomainError({ code: 'method_not_allowed', allow: ['GET'] });
      await parts.live.catchUp();
      const isDone = await parts.oauth.finish(provider, new URL(c.req.url).searchParams);
      if (!isDone) return c.body(notSignedIn, 400, PAGE_HEADERS);
      await recordChange(c, parts, 'gateway.signed_in', { provider: { from: null, to: provider } });
      return c.body(signedIn, 200, PAGE_HEADERS);
    });
  }
}
