import { contains, type Network, parseAddress, parseNetwork } from '../lib/network.ts';
import type { ClientEvents } from './contents.ts';
import { type Finding, found } from './finding.ts';

/** One person with a script can be two: a key, and an account. */
const SEVERAL = 3;

type Networks = readonly Readonly<{ text: string; network: Network }>[];

/**
 * Compares the trusted proxies with the addresses from which keys and accounts changed something. Several people behind
 * one address are a sign of a proxy.
 */
export function* ofProxies(
  trustedProxies: readonly string[],
  clients: readonly ClientEvents[],
): Generator<Finding> {
  const networks = trustedProxies.flatMap((text) => {
    const network = parseNetwork(text);
    return network ? [{ text, network }] : [];
  });
  const [only] = clients;
  const seesOne = clients.length === 1 && only !== undefined && only.actors >= SEVERAL;
  if (seesOne && trustOf(only.address, networks) === undefined)
    yield found(
      'warning',
      'trusted_proxies',
      `All ${only.events} changes of the last four weeks, by ${only.actors} accounts or keys, come from ${only.address}, and KEYHEARTH_TRUSTED_PROXIES does not contain it.`,
      `If ${only.address} is your proxy, add it to KEYHEARTH_TRUSTED_PROXIES, and let it send X-Forwarded-For: five wrong keys of one client lock all its clients out. See docs/trusted-proxies.md.`,
    );
  for (const { address, actors } of clients) {
    const trust = trustOf(address, networks);
    // A person on the machine of the proxy may use the command line.
    if (trust === undefined || (isLoopback(address) && actors < SEVERAL)) continue;
    yield found(
      'warning',
      'trusted_proxies',
      `${address} is a client, and KEYHEARTH_TRUSTED_PROXIES contains it (${trust}), so it is never locked out.`,
      'If it is a proxy, let it send X-Forwarded-For. If it is not, list only the addresses of your proxies. See docs/trusted-proxies.md.',
    );
  }
}

function trustOf(text: string, networks: Networks): string | undefined {
  const address = parseAddress(text);
  return address && networks.find(({ network }) => contains(network, address))?.text;
}

const isLoopback = (address: string) => address === '::1' || address.startsWith('127.');
