import type { IncomingHttpHeaders } from 'node:http';
import { isFromOtherPage, isLoopbackName } from '../../http/other-page.ts';
import type { Failure } from '../../lib/failure.ts';
import { isFromThisMachine } from '../../lib/this-machine.ts';

type Visit = Readonly<{ peer: string | undefined; headers: IncomingHttpHeaders; isEncrypted: boolean }>;

/**
 * Why a request without a key is refused while none is needed. Otherwise any page in a browser of this machine could use
 * the credentials of the operator. Such a page can point its own name at 127.0.0.1, and then Host has that name. A proxy
 * on this machine would let other machines in.
 * @param allowsRemote whether requests from other machines may pass, and so with other hosts
 */
export function fence({ peer, headers, isEncrypted }: Visit, allowsRemote: boolean): Failure | undefined {
  const isLocal = isFromThisMachine({ peer, headers }) && isLoopbackName(headers.host ?? '');
  if (!isLocal && !allowsRemote) return { code: 'misdirected_request' };
  // Through a proxy, the page may have another scheme.
  const scheme = isEncrypted ? 'https://' : 'http://';
  const isOtherScheme = isLocal && headers.origin !== undefined && !headers.origin.startsWith(scheme);
  return isOtherScheme || isFromOtherPage(headers) ? { code: 'cross_site_request' } : undefined;
}

/** What a page reads as data. Everything else is a document or a program of the gateway's origin. */
const DATA = [undefined, 'empty', 'image', 'audio', 'video'];

/** Whether the answer is for a program, or for a page as data. Programs that are no browser do not send the header. */
export const isForData = ({ 'sec-fetch-dest': destination }: IncomingHttpHeaders): boolean =>
  DATA.includes(destination?.toString());
