import type { IncomingHttpHeaders } from 'node:http';
import { isFromOtherPage, isLoopbackAddress, isLoopbackName } from '../../http/other-page.ts';
import type { Failure } from '../../lib/failure.ts';

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
