import type { Logger } from '../lib/logger.ts';

/** Problems with `X-Forwarded-For` that the operator should know. */
export type ProxyWarnings = {
  /** A peer that is not a trusted proxy sends the header. */
  untrusted(peer: string): void;
  /** The last entry that a trusted proxy sends is not an address. */
  unreadable(peer: string): void;
};

/** The limit keeps clients from filling the log, because they can send the header too. */
const MAX_PEERS = 10;

/** Logs each warning once for a peer, and for ten peers at most. */
export const createProxyWarnings = (logger: Logger): ProxyWarnings => ({
  untrusted: oncePerPeer((peer) =>
    logger.warn(
      { peer },
      `${peer} sends X-Forwarded-For, but KEYHEARTH_TRUSTED_PROXIES does not list it. The header is ignored, and all clients behind ${peer} count as one. If it is your proxy, add it.`,
    ),
  ),
  unreadable: oncePerPeer((peer) =>
    logger.warn(
      { peer },
      `The trusted proxy ${peer} sends an X-Forwarded-For whose last entry is not an address. Failed attempts of its clients are not counted. Let it send the address of its client.`,
    ),
  ),
});

function oncePerPeer(warn: (peer: string) => void): (peer: string) => void {
  const warned = new Set<string>();
  return (peer) => {
    if (warned.size >= MAX_PEERS || warned.has(peer)) return;
    warned.add(peer);
    warn(peer);
  };
}
