import { type Address, contains, isVersion4, parseAddress, parseNetwork } from '../lib/network.ts';

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

/** Some proxies write "1.2.3.4:5678" or "[2001:db8::1]:5678". */
const withoutPort = (hop: string) => hop.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');

const parseHop = (hop: string) => parseAddress(hop) ?? parseAddress(withoutPort(hop));

const lockoutKeyOf = (address: Address): string =>
  isVersion4(address)
    ? address.text
    : `${address.groups
        .slice(0, 4)
        .map((group) => group.toString(16))
        .join(':')}::/64`;

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

  return (peer = '', forwardedFor) => {
    let address = parseAddress(peer);
    if (!address) return unknown;
    let rest = forwardedFor;
    while (isTrusted(address)) {
      if (rest === undefined) return { address: address.text, lockoutKey: undefined };
      const comma = rest.lastIndexOf(',');
      const next = parseHop(rest.slice(comma + 1).trim());
      if (!next) return unknown;
      rest = comma < 0 ? undefined : rest.slice(0, comma);
      address = next;
    }
    return { address: address.text, lockoutKey: countAttempts ? lockoutKeyOf(address) : undefined };
  };
}
