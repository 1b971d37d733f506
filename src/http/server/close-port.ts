import { type AddressInfo, Server } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import {
  ANY_PORTS,
  fillQueue,
  lengthenQueue,
  portsTo,
  shortenQueue,
  watchHandshakes,
} from './accept-queue.ts';
import type { Connections } from './connections.ts';

/** Makes the listeners of a shared port close one after the other. */
export type ClosingOrder = {
  /** Waits for its turn, or until `giveUpAt`. @returns the number of listeners that are left */
  begin(giveUpAt: number): Promise<number>;
  end(): void;
};

/** With fewer than 500 clients in the queue, this takes some milliseconds. */
const WITHIN_MS = 5_000;

/** Linux sends a packet again after 200 ms. */
const SEND_AGAIN_MS = 250;
/** With many new clients, each attempt may drop some packet. */
const HANDSHAKES_MS = 1_000;

const alone: ClosingOrder = { begin: async () => 1, end: () => undefined };

/**
 * Closes the port of a server without resetting a connection: see docs/decisions/stop.md.
 * @param order the order of the listeners that share the port
 */
export async function closePort(server: Server, connections: Connections, order = alone): Promise<void> {
  const listeners = await order.begin(performance.now() + WITHIN_MS);
  const giveUpAt = performance.now() + WITHIN_MS;
  const address = server.address() as AddressInfo;
  // Clients that wait for an answer do not connect again. So connections are accepted faster than new ones arrive.
  connections.hold();
  if (listeners > 1) await untilNobodyWaits(connections, giveUpAt);
  const from = listeners > 1 ? await portsTo(server, listeners, giveUpAt) : ANY_PORTS;
  const sendAgainUntil = performance.now() + HANDSHAKES_MS;
  for (;;) {
    const mayMissPacket = watchHandshakes(address.port);
    const isComplete = () => !mayMissPacket() || performance.now() >= sendAgainUntil;
    shortenQueue(server);
    await untilNobodyWaits(connections, giveUpAt);
    if (await fillQueue(address, from, isComplete)) break;
    if (performance.now() >= giveUpAt) break;
    if (isComplete()) continue;
    // A client whose last packet was dropped takes itself for connected. It sends again, and then the queue needs a place.
    lengthenQueue(server);
    connections.release();
    await sleep(SEND_AGAIN_MS);
    connections.hold();
  }
  // The method of the HTTP server would close idle connections first, which takes time.
  Server.prototype.close.call(server);
  order.end();
  connections.release();
}

/** In each turn of the event loop, Node accepts one connection. */
export async function untilNobodyWaits({ opened }: Connections, giveUpAt: number): Promise<void> {
  // The current turn may be over for this queue.
  await nextTurn();
  let before: number;
  do {
    before = opened();
    await nextTurn();
  } while (opened() !== before && performance.now() < giveUpAt);
}
