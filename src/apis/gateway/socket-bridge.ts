import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import type { Reservation } from './byte-budget.ts';
import { type Meter, meter } from './message-meter.ts';

/** While a side has more unsent bytes than this, the other side is not read. */
const MAX_UNSENT_BYTES = 1024 * 1024;
const RESUME_BELOW_BYTES = MAX_UNSENT_BYTES / 4;

/** The codes that no frame may carry (RFC 6455, section 7.4.1). */
const NO_STATUS = 1005;
const NOT_SENT: readonly number[] = [1004, 1006, 1015];

/** What the other side learns when a side is gone without a close frame. */
const CLIENT_IS_GONE = 1001;
const UPSTREAM_IS_GONE = 1011;

const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;

/** A side that is cut off has so long to read why. */
const CUT_OFF_MS = 1_000;

/** One side of a bridge, and the connection under it. */
export type Leg = Readonly<{ socket: WebSocket; connection: Socket }>;

type Side = {
  readonly socket: WebSocket;
  readonly meter: Meter;
  isAlive: boolean;
  /** Nothing more is read of it. */
  isCutOff: boolean;
};

export type Bridge = Readonly<{
  /** Closes both sides. */
  close(code: number, reason: string): void;
  /** Asks both sides for a sign of life. A side that gave none since the last call is closed, or whose message is slow. */
  ping(): void;
}>;

/**
 * Passes messages on, both ways, until one side closes. Then the other side closes too.
 * @param toUpstream open and paused
 * @param reserve opens a reservation in the budget for long messages. Both sides count for the client.
 */
export function bridge(
  toClient: Leg,
  toUpstream: Leg,
  reserve: () => Reservation,
  onClosed: () => void,
): Bridge {
  const client = createSide('client', toClient);
  const upstream = createSide('upstream', toUpstream);
  const sides = [client, upstream];
  let open = sides.length;

  function createSide(name: 'client' | 'upstream', { socket, connection }: Leg): Side {
    const onFull = () => cutOff(side, TRY_AGAIN_LATER, 'Too many long messages are in memory.');
    const side: Side = {
      ...{ socket, isAlive: true, isCutOff: false },
      meter: meter(name, socket, connection, reserve(), onFull),
    };
    return side;
  }

  /** Closes both sides. This one sends too much or too slowly, and would send more until it has answered. */
  function cutOff(side: Side, code: number, reason: string): void {
    if (side.isCutOff) return;
    for (const each of sides) closeWith(each, code, reason);
    side.isCutOff = true;
    side.socket.pause();
    setTimeout(() => side.socket.terminate(), CUT_OFF_MS).unref();
  }

  const countClosed = () => {
    open--;
    if (open === 0) onClosed();
  };

  pass(client, upstream);
  pass(upstream, client);
  client.socket.on('close', (code, reason) => closeLike(upstream, code, reason, CLIENT_IS_GONE));
  upstream.socket.on('close', (code, reason) => closeLike(client, code, reason, UPSTREAM_IS_GONE));
  for (const side of sides) {
    side.socket.on('close', countClosed);
    side.socket.on('pong', () => {
      side.isAlive = true;
    });
    // The event `close` follows.
    side.socket.on('error', () => undefined);
  }

  const { socket } = upstream;
  if (socket.readyState === socket.CLOSED) socket.emit('close', 1006, Buffer.alloc(0));
  else socket.resume();

  return {
    close(code, reason) {
      for (const side of sides) closeWith(side, code, reason);
    },
    ping() {
      for (const side of sides) {
        if (side.socket.isPaused) continue;
        if (side.meter.isLate()) cutOff(side, POLICY_VIOLATION, 'The message takes too long.');
        else pingOrEnd(side);
      }
    },
  };
}

function pass(from: Side, to: Side): void {
  const resume = () => {
    to.isAlive = true;
    if (from.socket.isPaused && !from.isCutOff && to.socket.bufferedAmount <= RESUME_BELOW_BYTES)
      from.socket.resume();
  };
  from.socket.on('message', (data: RawData, isBinary) => {
    from.isAlive = true;
    const release = from.meter.hold((data as Buffer).length);
    to.socket.send(data, { binary: isBinary }, () => {
      release();
      resume();
    });
    if (to.socket.bufferedAmount > MAX_UNSENT_BYTES) from.socket.pause();
  });
}

/** A side that is not read cannot show a sign of life. If the other side is gone, that one is closed, and then both are. */
function pingOrEnd(side: Side): void {
  const { socket } = side;
  if (!side.isAlive) socket.terminate();
  side.isAlive = false;
  if (socket.readyState === socket.OPEN) socket.ping();
}

function closeLike(side: Side, code: number, reason: Buffer, instead: number): void {
  if (code === NO_STATUS) closeWith(side);
  else if (NOT_SENT.includes(code)) closeWith(side, instead);
  else closeWith(side, code, reason);
}

/** Only a socket that is read can see the answer. */
function closeWith({ socket, isCutOff }: Side, code?: number, reason?: string | Buffer): void {
  if (isCutOff) return;
  socket.resume();
  socket.close(code, reason);
}
