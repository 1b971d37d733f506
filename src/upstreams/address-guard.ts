import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isForbidden } from '../lib/forbidden-address.ts';

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
