import { isIP, isIPv6 } from 'node:net';
import { memoize } from '../lib/memoize.ts';

/** Whether a request from `peer` may name `host`, the value of its Host header. */
export type HostCheck = (peer: string | undefined, host: string | undefined) => boolean;

export type HostRules = {
  /** Names in lower case, without a port. When there are any, Host must be one of them. */
  allowedHosts: readonly string[];
  /** The name of this machine. */
  ownName: string;
  /** Whether a peer is a trusted proxy. */
  isTrusted: (peer: string) => boolean;
};

const MAX_CACHED_LENGTH = 200;

const isLoopback = (peer: string) => /^(?:::ffff:)?127\.|^::1$/.test(peer);

/** Host without its port and without the dot at its end. */
const nameOf = (host: string) => host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();

const isIpLiteral = (name: string) => isIP(name) !== 0 || isIPv6(/^\[(.*)\]$/.exec(name)?.[1] ?? '');

/**
 * Protects a service on the loopback from pages in a browser of this machine. Such a page can point its own name at
 * 127.0.0.1 (DNS rebinding). The browser then treats the service as part of the page, but Host still has the page's
 * name. A direct request from the loopback must name `localhost`, an IP address, this machine or an allowed host.
 */
export function hostCheck({ allowedHosts, ownName, isTrusted }: HostRules): HostCheck {
  const allowed = new Set(allowedHosts);
  const local = new Set(['localhost', nameOf(ownName), ...allowed]);

  const isDirect = memoize(
    (peer: string) => isLoopback(peer) && !isTrusted(peer),
    () => true,
  );
  const isLocalName = (host: string) => {
    const name = nameOf(host);
    return local.has(name) || isIpLiteral(name);
  };
  const isAllowedLocally = memoize(isLocalName, (host) => host.length <= MAX_CACHED_LENGTH);

  return (peer = '', host = '') => {
    if (isDirect(peer)) return isAllowedLocally(host);
    return allowed.size === 0 || allowed.has(nameOf(host));
  };
}
