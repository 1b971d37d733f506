import { once } from 'node:events';
import type { Server } from 'node:http';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { closePort } from './close-port.ts';
import type { Connections } from './connections.ts';

/**
 * After so many looks in a row without a new request, all connections are idle. That takes 200 ms, and longer on a busy
 * machine. It counts looks and no time, because the clients stand still whenever the whole machine does.
 */
const QUIET_LOOKS = 40;
const LOOK_EVERY_MS = 5;
/** After the port is closed, requests are answered for so long. A slow client uses its connections one by one. */
const DRAIN_MS = 5_000;
/** After the port is closed, a client has so long to send its first request. */
const FIRST_REQUEST_MS = 1_000;
const SWEEP_EVERY_MS = 50;

/**
 * Stops a server without losing a request. It ends listening, answers what still arrives with "Connection: close", closes
 * idle connections, and after `graceMs` all connections.
 * @param endListening ends listening without losing a connection
 */
export async function stop(
  server: Server,
  connections: Connections,
  graceMs: number,
  endListening = () => closePort(server, connections),
): Promise<void> {
  const cutOffAt = performance.now() + graceMs;
  connections.closeAfterAnswers();
  await endListening();
  const closedAt = performance.now();
  await untilIdle(connections, Math.min(closedAt + DRAIN_MS, cutOffAt));
  const closed = once(server, 'close');
  server.close();
  const sweep = setInterval(() => {
    server.closeIdleConnections();
    // For Node, these are not idle. Their clients may be slow to send the first request.
    if (performance.now() >= closedAt + FIRST_REQUEST_MS) connections.closeUnused();
  }, SWEEP_EVERY_MS);
  const cutOff = setTimeout(connections.closeAll, Math.max(0, cutOffAt - performance.now()));
  await closed;
  clearInterval(sweep);
  clearTimeout(cutOff);
}

/** A connection that looks idle may have an unread request. To close it at once would reset it. */
async function untilIdle({ isEmpty, received }: Connections, until: number): Promise<void> {
  let before = received();
  for (let quiet = 0; quiet < QUIET_LOOKS && !isEmpty() && performance.now() < until; ) {
    await sleep(LOOK_EVERY_MS);
    await nextTurn();
    quiet = received() === before ? quiet + 1 : 0;
    before = received();
  }
}
