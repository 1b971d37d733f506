import {
  type Address,
  contains,
  isVersion4,
  type Network,
  parseAddress,
  parseNetwork,
} from '../lib/network.ts';
import type { ProxyWarnings } from './proxy-warnings.ts';

/** The client of a request. */
export type Client = {
  /** Canonical text for the log, or "unknown". */
  address: string;
  /**
   * The key of the lockout: an IPv4 address, or the /64 network of an IPv6 address, because a customer usually gets one.
   * Undefined for a trusted proxy itself, and for a client that it does not name: a lock would hit all its clients.
   */
  lockoutKey: string | undefined;
  /** The address itself; undefined when it is not known. */
  ip: Address | undefined;
};

/** What a request says about where it comes from: the address of its connection, and its `X-Forwarded-For`. */
export type Origin = Readonly<{ peer: string | undefined; forwardedFor?: string | undefined }>;

export type ResolveClient = (origin: Origin) => Client;

/** Some proxies write "1.2.3.4:5678" or "[2001:db8::1]:5678". */
const withoutPort = (hop: string) => hop.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');

const parseHop = (hop: string) => parseAddress(hop) ?? parseAddress(withoutPort(hop));

/** What the lockout counts an address as. */
export const lockoutKeyOf = (address: Address): string =>
  isVersion4(address)
    ? address.text
    : `${address.groups
        .slice(0, 4)
        .map((group) => group.toString(16))
        .join(':')}::/64`;

/** The configuration has checked that the text is a network. */
function networkOf(text: string): Network {
  const network = parseNetwork(text);
  if (!network) throw new TypeError(`${text} is not a network`);
  return network;
}

/** Makes the function that says whether a peer is a trusted proxy. */
export function trustedPeer(trustedProxies: readonly string[]): (peer: string) => boolean {
  const trusted = trustedProxies.map(networkOf);
  return (peer) => {
    const address = parseAddress(peer);
    return address !== undefined && trusted.some((network) => contains(network, address));
  };
}

const unknown: Client = { address: 'unknown', lockoutKey: 'unknown', ip: undefined };

/** Only a trusted proxy can cause this, so no client can avoid the count with it. */
const unreadable: Client = { address: 'unknown', lockoutKey: undefined, ip: undefined };

/**
 * Makes the function that finds the client of a request. `X-Forwarded-For` counts only when the peer is a trusted proxy.
 * That proxy has written the last entry. If the entry is a trusted proxy too, it has written the entry before, and so on.
 * The first address that is not trusted is the client. The client can write all entries before it, so they are ignored.
 */
export function clientResolver(trustedProxies: readonly string[], warnings: ProxyWarnings): ResolveClient {
  const trusted = trustedProxies.map(networkOf);
  const isTrusted = (address: Address) => trusted.some((network) => contains(network, address));

  return ({ peer = '', forwardedFor }) => {
    let address = parseAddress(peer);
    if (!address) return unknown;
    let rest = forwardedFor;
    if (rest !== undefined && !isTrusted(address)) warnings.untrusted(address.text);
    while (isTrusted(address)) {
      if (rest === undefined) return { address: address.text, lockoutKey: undefined, ip: address };
      const comma = rest.lastIndexOf(',');
      const hop = parseHop(rest.slice(comma + 1).trim());
      if (!hop) {
        warnings.unreadable(address.text);
        return unreadable;
      }
      rest = comma < 0 ? undefined : rest.slice(0, comma);
      address = hop;
    }
    return { address: address.text, lockoutKey: lockoutKeyOf(address), ip: address };
  };
}
