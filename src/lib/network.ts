import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

export type Network = Readonly<{ address: Address; prefix: number }>;

/** Parses "::ffff:1.2.3.4" as "1.2.3.4", and ignores a zone; undefined for text that is not a whole address. */
export function parseAddress(text: string): Address | undefined {
  const withoutZone = text.replace(/%.*$/, '');
  if (ipaddr.IPv4.isValidFourPartDecimal(withoutZone)) return ipaddr.IPv4.parse(withoutZone);
  if (!ipaddr.IPv6.isValid(withoutZone)) return undefined;
  return ipaddr.process(withoutZone);
}

/** An address, or a network in CIDR form; undefined for any other text. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', digits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address)) return undefined;
  const parsed = ipaddr.parse(address);
  const full = parsed.kind() === 'ipv4' ? 32 : 128;
  const prefix = digits === undefined ? full : Number(digits);
  if (prefix > full) return undefined;
  // Addresses are parsed in the same way: an IPv4 address never matches an IPv6 network.
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress()) {
    return { address: parsed.toIPv4Address(), prefix: Math.max(0, prefix - 96) };
  }
  return { address: parsed, prefix };
}

export const contains = (network: Network, address: Address): boolean =>
  network.address.kind() === address.kind() && address.match(network.address, network.prefix);

/** Whether a network is wider than any that one owner has. All private networks are narrower. */
export function isTooWide({ address, prefix }: Network): boolean {
  if (address.kind() === 'ipv4') return prefix < 8;
  return prefix < (['uniqueLocal', 'linkLocal'].includes(address.range()) ? 7 : 16);
}
