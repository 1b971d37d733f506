import { isIP } from 'node:net';
import { type Address, contains, parseAddress, parseNetwork } from './network.ts';

const networkOf = (text: string) => {
  const network = parseNetwork(text);
  if (!network) throw new TypeError(`${text} is not a network`);
  return network;
};

/**
 * Link-local addresses, at which clouds answer questions about the machine and give out its credentials, and the other
 * addresses at which they do.
 */
const FORBIDDEN = [
  ...['169.254.0.0/16', '100.100.100.200', '192.0.0.192'],
  ...['fe80::/10', 'fd00:ec2::/32', 'fd20:ce::254'],
].map(networkOf);

/**
 * Networks whose addresses have an IPv4 address in them, and the bits at which that can begin. Bits 64 to 71 are no part of
 * it: see RFC 6052, section 2.2. A translator chooses the place in 64:ff9b:1::/48 itself (RFC 8215).
 */
const TRANSLATED = [
  { network: networkOf('::/96'), places: [96] },
  { network: networkOf('::ffff:0:0:0/96'), places: [96] },
  { network: networkOf('64:ff9b::/96'), places: [96] },
  { network: networkOf('64:ff9b:1::/48'), places: [48, 56, 64, 96] },
  { network: networkOf('2002::/16'), places: [16] },
];

const RESERVED_BYTE = 8;

/** The IPv4 address that begins at a bit of an IPv6 address. */
function ipv4At({ groups }: Address, place: number): Address | undefined {
  const bytes = groups.flatMap((group) => [group >> 8, group & 0xff]);
  const first = place / 8;
  const following = bytes.slice(first).filter((_, i) => first + i !== RESERVED_BYTE);
  return parseAddress(following.slice(0, 4).join('.'));
}

/** An address, and the IPv4 addresses in it. */
const meaningsOf = (address: Address): readonly (Address | undefined)[] => [
  address,
  ...TRANSLATED.filter(({ network }) => contains(network, address)).flatMap(({ places }) =>
    places.map((place) => ipv4At(address, place)),
  ),
];

/** Whether no name may lead to an address. */
export function isForbidden(text: string): boolean {
  const address = parseAddress(text);
  if (!address) return true;
  return meaningsOf(address).some(
    (meaning) => meaning && FORBIDDEN.some((network) => contains(network, meaning)),
  );
}

/** Whether the host of a URL is such an address itself. */
export function isForbiddenHost(hostname: string): boolean {
  const literal = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(literal) !== 0 && isForbidden(literal);
}
