import { type AddressInfo, Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ANY_PORTS, fillQueue, portsTo, shortenQueue } from './accept-queue.ts';
import type { Connections } from './connections.ts';

/** Lets the listeners of a shared port close one after the other. */
export type ClosingOrder = {
  /** Waits for its turn, or until `giveUpAt`. @returns how many still listen */
  begin(giveUpAt: number): Promise<number>;
  end(): void;
};

/** With fewer than 500 clients in the queue it takes some milliseconds. */
const WITHIN_MS = 5_000;

const alone: ClosingOrder = { begin: async () => 1, end: () => undefined };

/**
 * Closes the port of a server, and resets no connection: see docs/decisions/stop.md.
 * @param order of the listeners that share the port
 */
export async function closePort(server: Server, connections: Connections, order = alone): Promise<void> {
  const listeners = await order.begin(performance.now() + WITHIN_MS);
  const giveUpAt = performance.now() + WITHIN_MS;
  const address = server.address() as AddressInfo;
  // Who waits for an answer does not connect again, and connections alone are taken faster than they come.
  connections.hold();
  if (listeners > 1) await untilNobodyWaits(connections, giveUpAt);
  const from = listeners > 1 ? await portsTo(server, listeners, giveUpAt) : ANY_PORTS;
  shortenQueue(server);
  do await untilNobodyWaits(connections, giveUpAt);
  while (!(await fillQueue(address, from)) && performance.now() < giveUpAt);
  // The same method of an HTTP server closes the idle connections first, which takes time.
  Server.prototype.close.call(server);
  order.end();
  connections.release();
}

/** In each turn of the event loop Node takes one connection from the queue. */
async function untilNobodyWaits({ opened }: Connections, giveUpAt: number): Promise<void> {
  // The turn under way may have looked already.
  await nextTurn();
  let before: number;
  do {
    before = opened();
    await nextTurn();
  } while (opened() !== before && performance.now() < giveUpAt);
}
