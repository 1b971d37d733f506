import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { contains, parseAddress, parseNetwork } from '../lib/network.ts';

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

type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Looks names up for connections to upstreams. The check is part of the look-up for each connection, so a name that
 * resolves to another address later is checked again. An address that the operator has configured is no name, and is not
 * looked up.
 */
export const guardedLookup =
  (resolve: Resolve = systemLookup): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error || !first) return callback(error ?? new Error('the name has no address'), '', 0);
      if (addresses.some(({ address }) => isForbidden(address))) {
        const refusal = new Error('the name leads to a link-local address, or to one of cloud metadata');
        return callback(Object.assign(refusal, { code: 'FORBIDDEN_ADDRESS' }), '', 0);
      }
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
