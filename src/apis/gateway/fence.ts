import type { IncomingHttpHeaders } from 'node:http';
import { isIPv4 } from 'node:net';
import type { Failure } from '../../lib/failure.ts';

/** Host without its port and without the dot at its end. */
const nameOf = (host: string) => host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();

/** A page on the Internet can have none of these names (RFC 6761, section 6.3). */
function isLoopbackName(host: string): boolean {
  const name = nameOf(host);
  if (name === 'localhost' || name.endsWith('.localhost') || name === '[::1]') return true;
  return isIPv4(name) && name.startsWith('127.');
}

const isLoopbackAddress = (address: string) => /^(?:::ffff:)?127\.|^::1$/.test(address);

/**
 * Whether a page of another origin sends the request. Browsers send `Origin` with most requests, and `Sec-Fetch-Site` with
 * the others. Programs send neither.
 */
function isFromOtherPage({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
}

type Visit = Readonly<{ peer: string | undefined; headers: IncomingHttpHeaders }>;

/**
 * Why a request without a key is refused while none is needed. Otherwise any page in a browser of this machine could use
 * the credentials of the operator. Such a page can point its own name at 127.0.0.1, and then Host has that name.
 * @param allowsRemote whether requests from other machines may pass, and so with other hosts
 */
export function fence({ peer = '', headers }: Visit, allowsRemote: boolean): Failure | undefined {
  const isLocal = isLoopbackAddress(peer) && isLoopbackName(headers.host ?? '');
  if (!isLocal && !allowsRemote) return { code: 'misdirected_request' };
  return isFromOtherPage(headers) ? { code: 'cross_site_request' } : undefined;
}
