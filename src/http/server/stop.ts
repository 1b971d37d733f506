import { once } from 'node:events';
import type { Server } from 'node:http';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type ClosingOrder, closePort } from './close-port.ts';
import type { Connections } from './connections.ts';

/** After so long without a request, a connection is idle. */
const IDLE_MS = 200;
/** After the port is closed, requests are answered for so long. */
const DRAIN_MS = 1_000;
const LOOK_EVERY_MS = 5;
const SWEEP_EVERY_MS = 50;

/**
 * Stops a server without losing a request. It closes the port, answers what still arrives with "Connection: close", closes
 * idle connections, and after `graceMs` all connections.
 * @param order the order of the listeners that share the port
 */
export async function stop(
  server: Server,
  connections: Connections,
  graceMs: number,
  order?: ClosingOrder,
): Promise<void> {
  const cutOffAt = performance.now() + graceMs;
  connections.closeAfterAnswers();
  await closePort(server, connections, order);
  const drainedAt = performance.now() + DRAIN_MS;
  await untilIdle(connections, Math.min(drainedAt, cutOffAt));
  const closed = once(server, 'close');
  server.close();
  const sweep = setInterval(() => {
    server.closeIdleConnections();
    // For Node, these are not idle. Their clients may be slow to send the first request.
    if (performance.now() >= drainedAt) connections.closeUnused();
  }, SWEEP_EVERY_MS);
  const cutOff = setTimeout(connections.closeAll, Math.max(0, cutOffAt - performance.now()));
  await closed;
  clearInterval(sweep);
  clearTimeout(cutOff);
}

/** A connection that looks idle may have an unread request. To close it at once would reset it. */
async function untilIdle({ received }: Connections, until: number): Promise<void> {
  let before = received();
  let idleAt = performance.now() + IDLE_MS;
  while (performance.now() < Math.min(idleAt, until)) {
    await sleep(LOOK_EVERY_MS);
    await nextTurn();
    if (received() !== before) idleAt = performance.now() + IDLE_MS;
    before = received();
  }
}
