import { isIPv4 } from 'node:net';

/** What tells a page in a browser from a program. */
export type PageHeaders = Readonly<
  Partial<Record<'host' | 'origin' | 'sec-fetch-site' | 'sec-fetch-mode', string | undefined>>
>;

/** Host without its port and without the dot at its end. */
const nameOf = (host: string) => host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();

/** A name, an IPv4 address or an IPv6 address in brackets, and perhaps a port. Clients can send any text. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i;

/** A page on the Internet can have none of these names (RFC 6761, section 6.3). */
export function isLoopbackName(host: string): boolean {
  if (!HOST.test(host)) return false;
  const name = nameOf(host);
  if (name === 'localhost' || name.endsWith('.localhost') || name === '[::1]') return true;
  return isIPv4(name) && name.startsWith('127.');
}

export const isLoopbackAddress = (address: string) => /^(?:::ffff:)?127\.|^::1$/.test(address);

/**
 * Whether a page of another origin sends the request. Browsers send `Origin` with most requests, and `Sec-Fetch-Site` with
 * the others. Programs send neither.
 */
export function isFromOtherPage({ origin, host, 'sec-fetch-site': site }: PageHeaders): boolean {
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
}

/**
 * Whether a page in a browser of this machine may send the request, and no program of it. A page can point its own name at
 * 127.0.0.1, and then Host has that name.
 * @param address the address of the client; undefined when it is not known
 */
export const isFromLocalPage = (address: string | undefined, headers: PageHeaders): boolean =>
  isLoopbackAddress(address ?? '') && (isFromOtherPage(headers) || !isLoopbackName(headers.host ?? ''));

/**
 * Whether a page of another origin sends the request as an image, a form or a link. The page cannot read the answer, and a
 * browser sends no preflight first.
 */
export function isBlind({ 'sec-fetch-site': site, 'sec-fetch-mode': mode }: PageHeaders): boolean {
  if (site !== 'cross-site' && site !== 'same-site') return false;
  return mode !== 'cors' && mode !== 'websocket';
}
