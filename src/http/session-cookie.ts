import { deleteCookie, setCookie } from 'hono/cookie';
import type { HttpContext } from './context.ts';

/** The cookie of the core API. */
export const SESSION_COOKIE = 'keyhearth_session';

/** The cookie of the ProxyOS API, where its clients look for it. */
export const PROXYOS_COOKIE = 'proxyos_token';

export type SessionCookies = {
  set(c: HttpContext, name: string, token: string): void;
  clear(c: HttpContext, name: string): void;
  /** The origin by which the client reached the service. */
  originOf(c: HttpContext): string;
};

export type SessionCookieParts = {
  maxAgeSeconds: number;
  /** Whether a peer is a trusted proxy, which says how the client reached it. */
  isTrusted: (peer: string) => boolean;
};

/** Writes the cookie of a session. Browsers send it back over HTTPS only when it was written over HTTPS. */
export function createSessionCookies({ maxAgeSeconds, isTrusted }: SessionCookieParts): SessionCookies {
  function isSecure(c: HttpContext): boolean {
    const { socket, headers } = c.env.incoming;
    // A page over HTTPS, behind a proxy that does not say so. A client that makes this up gets a cookie it cannot use.
    if (headers.origin?.startsWith('https://')) return true;
    if ('encrypted' in socket && socket.encrypted === true) return true;
    const { remoteAddress } = socket;
    if (remoteAddress === undefined || !isTrusted(remoteAddress)) return false;
    return headers['x-forwarded-proto']?.toString().split(',').at(-1)?.trim() === 'https';
  }

  const attributes = (c: HttpContext) =>
    ({ httpOnly: true, path: '/', sameSite: 'Lax', secure: isSecure(c) }) as const;

  return {
    set: (c, name, token) => setCookie(c, name, token, { ...attributes(c), maxAge: maxAgeSeconds }),
    clear: (c, name) => void deleteCookie(c, name, attributes(c)),
    originOf: (c) => `${isSecure(c) ? 'https' : 'http'}://${c.env.incoming.headers.host ?? ''}`,
  };
}
