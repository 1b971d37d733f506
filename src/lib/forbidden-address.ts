import { isIP } from 'node:net';
import { contains, parseAddress, parseNetwork } from './network.ts';

/**
 * Link-local addresses, at which clouds answer questions about the machine and give out its credentials, and the other
 * addresses at which they do. The last three lines are other ways to write 169.254.0.0/16.
 */
const FORBIDDEN = [
  ...['169.254.0.0/16', 'fe80::/10'],
  ...['fd00:ec2::254', '100.100.100.200', '192.0.0.192'],
  '::169.254.0.0/112',
  '64:ff9b::169.254.0.0/112',
  '2002:a9fe::/32',
].map((text) => {
  const network = parseNetwork(text);
  if (!network) throw new TypeError(`${text} is not a network`);
  return network;
});

/** Whether no name may lead to an address. */
export function isForbidden(text: string): boolean {
  const address = parseAddress(text);
  return !address || FORBIDDEN.some((network) => contains(network, address));
}

/** Whether the host of a URL is such an address itself. */
export function isForbiddenHost(hostname: string): boolean {
  const literal = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(literal) !== 0 && isForbidden(literal);
}
