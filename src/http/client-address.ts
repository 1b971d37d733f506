import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = [Address, number];

/** Where a request comes from. */
export type Client = {
  /** Canonical text, for the log; "unknown" where it cannot be told. */
  address: string;
  /**
   * What a lockout counts by: an IPv4 address, or the /64 that one IPv6 customer is given. Undefined when nothing is
   * counted, and for a trusted proxy itself, since locking it would lock out everybody behind it.
   */
  lockoutKey: string | undefined;
};

export type ResolveClient = (peer: string | undefined, forwardedFor: string | undefined) => Client;

const MAX_RESOLVED = 1_000;
const MAX_NAME = 200;

/** "::ffff:1.2.3.4" as "1.2.3.4", no zone, no shorthand; undefined for what is not an address. */
export function parseAddress(text: string): Address | undefined {
  const withoutZone = text.replace(/%.*$/, '');
  if (ipaddr.IPv4.isValidFourPartDecimal(withoutZone)) return ipaddr.IPv4.parse(withoutZone);
  if (!ipaddr.IPv6.isValid(withoutZone)) return undefined;
  return ipaddr.process(withoutZone);
}

/** Some proxies write "1.2.3.4:5678" or "[2001:db8::1]:5678". */
const withoutPort = (hop: string) => hop.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');

/** An address, or a network in CIDR form, as config.ts has checked it. */
function parseNetwork(text: string): Network {
  const [network, prefix] = text.includes('/') ? ipaddr.parseCIDR(text) : [ipaddr.parse(text), undefined];
  const full = network.kind() === 'ipv4' ? 32 : 128;
  if (network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress()) {
    return [network.toIPv4Address(), Math.max(0, (prefix ?? full) - 96)];
  }
  return [network, prefix ?? full];
}

function lockoutKeyOf(address: Address): string {
  if (address instanceof ipaddr.IPv4) return address.toString();
  return `${address.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}

const contains = ([network, prefix]: Network, address: Address) =>
  network.kind() === address.kind() && address.match(network, prefix);

/**
 * Makes the function that tells who is calling. `X-Forwarded-For` is believed only when the peer is a trusted proxy,
 * and read from the right: each trusted hop vouches for the entry before it, and the first that is not trusted is the
 * client. What stands further left was written by the client and means nothing.
 * @param countAttempts whether there is a lockout at all
 */
export function clientResolver(trustedProxies: readonly string[], countAttempts: boolean): ResolveClient {
  const trusted = trustedProxies.map(parseNetwork);
  const unknown: Client = { address: 'unknown', lockoutKey: countAttempts ? 'unknown' : undefined };
  const isTrusted = (address: Address) => trusted.some((network) => contains(network, address));

  function resolve(peer: string | undefined, forwardedFor: string | undefined): Client {
    const hops = trusted.length > 0 && forwardedFor !== undefined ? forwardedFor.split(',') : [];
    let address = parseAddress(peer ?? '');
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

  /** Reading an address takes as long as all the rest of the guard, and most clients come again. */
  const resolved = new Map<string, Client>();
  return (peer, forwardedFor) => {
    const name = trusted.length > 0 && forwardedFor !== undefined ? `${peer},${forwardedFor}` : `${peer}`;
    const known = resolved.get(name);
    if (known) return known;
    if (resolved.size >= MAX_RESOLVED) resolved.clear();
    const client = resolve(peer, forwardedFor);
    if (name.length <= MAX_NAME) resolved.set(name, client);
    return client;
  };
}
