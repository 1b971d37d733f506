import { isIPv4, isIPv6 } from 'node:net';

/** An address: its canonical text, and its bits as groups of 16, two for IPv4 and eight for IPv6. */
export type Address = Readonly<{ text: string; groups: readonly number[] }>;

export type Network = Readonly<{ address: Address; prefix: number }>;

const IPV4_BITS = 32;
const IPV6_BITS = 128;
/** The bits before the IPv4 address in "::ffff:1.2.3.4". */
const MAPPED_BITS = 96;
const MAPPED = '::ffff:';

export const isVersion4 = ({ groups }: Address) => groups.length === 2;

/** Parses "::ffff:1.2.3.4" as "1.2.3.4", and ignores a zone; undefined for text that is not a whole address. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { text, groups: groupsOfIPv4(text) };
  // The usual form of an IPv4 peer on a socket that listens on "::".
  if (text.startsWith(MAPPED) && isIPv4(text.slice(MAPPED.length)))
    return parseAddress(text.slice(MAPPED.length));
  const zone = text.indexOf('%');
  if (zone >= 0) return parseAddress(text.slice(0, zone));
  if (!isIPv6(text)) return undefined;
  const groups = groupsOfIPv6(text);
  return isMapped(groups) ? ipv4Of(groups.slice(6)) : { text: textOfIPv6(groups), groups };
}

/** An address, or a network in CIDR form; undefined for any other text. */
export function parseNetwork(text: string): Network | undefined {
  const [, written = '', digits] = /^([^/%]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseAddress(written);
  if (!address) return undefined;
  const full = isIPv4(written) ? IPV4_BITS : IPV6_BITS;
  const prefix = digits === undefined ? full : Number(digits);
  if (prefix > full) return undefined;
  // Addresses are parsed in the same way, so an IPv4 address never matches an IPv6 network.
  const isMappedNetwork = full === IPV6_BITS && isVersion4(address);
  return { address, prefix: isMappedNetwork ? Math.max(0, prefix - MAPPED_BITS) : prefix };
}

export function contains({ address: { groups }, prefix }: Network, address: Address): boolean {
  if (groups.length !== address.groups.length) return false;
  for (let i = 0, bits = prefix; bits > 0; i++, bits -= 16) {
    const ignored = Math.max(0, 16 - bits);
    if ((groups[i] ?? 0) >> ignored !== (address.groups[i] ?? 0) >> ignored) return false;
  }
  return true;
}

/** Whether every address of `inner` is in `outer`. */
export const containsNetwork = (outer: Network, inner: Network): boolean =>
  outer.prefix <= inner.prefix && contains(outer, inner.address);

/** The canonical text: an address alone, or `address/prefix` with the bits after the prefix set to zero. */
export function formatNetwork({ address, prefix }: Network): string {
  const { groups } = address;
  if (prefix === groups.length * 16) return address.text;
  const masked = groups.map(
    (group, i) => group & (0xffff << Math.min(16, Math.max(0, 16 * (i + 1) - prefix))) & 0xffff,
  );
  return `${isVersion4(address) ? ipv4Of(masked).text : textOfIPv6(masked)}/${prefix}`;
}

/** Whether a name or an address stands for this machine alone. An IPv6 address may be in brackets. */
export function isLoopbackHost(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  const address = parseAddress(host.replace(/^\[(.*)\]$/, '$1'));
  if (!address) return false;
  const { groups } = address;
  return isVersion4(address) ? (groups[0] ?? 0) >> 8 === 127 : groups.join(':') === '0:0:0:0:0:0:0:1';
}

/** Unique local addresses, fc00::/7, and link-local ones, fe80::/10. */
const isPrivateIPv6 = ([first = 0]: readonly number[]) =>
  (first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfe80;

/** Whether a network is too wide for one owner. All private networks are narrower. */
export function isTooWide({ address, prefix }: Network): boolean {
  if (isVersion4(address)) return prefix < 8;
  return prefix < (isPrivateIPv6(address.groups) ? 7 : 16);
}

const DOT = 46;
const ZERO = 48;

/** The text must be an address. Each request needs this, and to split the text takes three times as long. */
function groupsOfIPv4(text: string): number[] {
  let bits = 0;
  let part = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      bits = (bits << 8) | part;
      part = 0;
    } else part = part * 10 + code - ZERO;
  }
  bits = (bits << 8) | part;
  return [bits >>> 16, bits & 0xffff];
}

/** The text must be an address. */
function groupsOfIPv6(text: string): number[] {
  const [before = '', after] = text.split('::');
  const first = groupsIn(before);
  if (after === undefined) return first;
  const last = groupsIn(after);
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
}

function groupsIn(text: string): number[] {
  if (text === '') return [];
  const groups: number[] = [];
  for (const part of text.split(':')) {
    if (part.includes('.')) groups.push(...groupsOfIPv4(part));
    else groups.push(Number.parseInt(part, 16));
  }
  return groups;
}

const isMapped = (groups: readonly number[]) =>
  groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);

function ipv4Of(groups: readonly number[]): Address {
  const [high = 0, low = 0] = groups;
  return { text: [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.'), groups };
}

/** RFC 5952, section 4: the first of the longest runs of two or more zeros becomes "::". */
function textOfIPv6(groups: readonly number[]): string {
  let [start, length] = [0, 1];
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    i = Math.max(i, end - 1);
  }
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}
