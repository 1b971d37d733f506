import ipaddr from 'ipaddr.js';
import { memoize } from '../lib/memoize.ts';
import { type Address, contains, parseAddress, parseNetwork } from '../lib/network.ts';

/** The client of a request. */
export type Client = {
  /** Canonical text, for the log; "unknown" where it is not known. */
  address: string;
  /**
   * What the lockout counts by: an IPv4 address, or the /64 of an IPv6 address, which is what one customer gets.
   * Undefined when nothing is counted, and for a trusted proxy itself: locking it would lock out all clients behind it.
   */
  lockoutKey: string | undefined;
};

export type ResolveClient = (peer: string | undefined, forwardedFor: string | undefined) => Client;

const MAX_CACHED_LENGTH = 200;

/** Some proxies write "1.2.3.4:5678" or "[2001:db8::1]:5678". */
const withoutPort = (hop: string) => hop.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');

function lockoutKeyOf(address: Address): string {
  if (address instanceof ipaddr.IPv4) return address.toString();
  return `${address.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}

/** The configuration has checked that each is a network. */
const networks = (list: readonly string[]) => list.flatMap((text) => parseNetwork(text) ?? []);

/** Makes the function that says whether a peer is a trusted proxy. */
export function trustedPeer(trustedProxies: readonly string[]): (peer: string) => boolean {
  const trusted = networks(trustedProxies);
  return (peer) => {
    const address = parseAddress(peer);
    return address !== undefined && trusted.some((network) => contains(network, address));
  };
}

/**
 * Makes the function that finds the client of a request. `X-Forwarded-For` counts only when the peer is a trusted proxy,
 * and is read from the right: each trusted hop vouches for the entry before it, and the first hop that is not trusted is
 * the client. Entries further left were written by the client and mean nothing.
 * @param countAttempts whether there is a lockout at all
 */
export function clientResolver(trustedProxies: readonly string[], countAttempts: boolean): ResolveClient {
  const trusted = networks(trustedProxies);
  const unknown: Client = { address: 'unknown', lockoutKey: countAttempts ? 'unknown' : undefined };
  const isTrusted = (address: Address) => trusted.some((network) => contains(network, address));

  /** @param chain the hops that the request came through, with commas between them: the peer first, then the header */
  function resolve(chain: string): Client {
    const [peer = '', ...hops] = chain.split(',');
    let address = parseAddress(peer);
    if (!address) return unknown;
    while (isTrusted(address)) {
      const hop = hops.pop();
      if (hop === undefined) return { address: address.toString(), lockoutKey: undefined };
      const next = parseAddress(withoutPort(hop.trim()));
      if (!next) return unknown;
      address = next;
    }
    return { address: address.toString(), lockoutKey: countAttempts ? lockoutKeyOf(address) : undefined };
  }

  // Parsing an address takes as long as the rest of an authentication, and most clients come again.
  const cached = memoize(resolve, (chain) => chain.length <= MAX_CACHED_LENGTH);
  return (peer = '', forwardedFor) =>
    cached(trusted.length > 0 && forwardedFor !== undefined ? `${peer},${forwardedFor}` : peer);
}
