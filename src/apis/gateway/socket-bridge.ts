import type { RawData, WebSocket } from 'ws';

/** While a side has more unsent bytes than this, the other side is not read. */
const MAX_UNSENT_BYTES = 1024 * 1024;
const RESUME_BELOW_BYTES = MAX_UNSENT_BYTES / 4;

/** The codes that no frame may carry (RFC 6455, section 7.4.1). */
const NO_STATUS = 1005;
const NOT_SENT: readonly number[] = [1004, 1006, 1015];

/** What the other side learns when a side is gone without a close frame. */
const CLIENT_IS_GONE = 1001;
const UPSTREAM_IS_GONE = 1011;

type Side = { readonly socket: WebSocket; isAlive: boolean };

export type Bridge = Readonly<{
  /** Closes both sides. */
  close(code: number, reason: string): void;
  /** Asks both sides for a sign of life. A side that gave none since the last call is closed. */
  ping(): void;
}>;

/**
 * Passes messages on, both ways, until one side closes. Then the other side closes too.
 * @param upstream open and paused
 */
export function bridge(client: WebSocket, upstream: WebSocket, onClosed: () => void): Bridge {
  const sides = [client, upstream].map((socket): Side => ({ socket, isAlive: true })) as [Side, Side];
  const [ofClient, ofUpstream] = sides;
  let open = sides.length;

  const countClosed = () => {
    open--;
    if (open === 0) onClosed();
  };

  pass(ofClient, ofUpstream);
  pass(ofUpstream, ofClient);
  client.on('close', (code, reason) => closeLike(upstream, code, reason, CLIENT_IS_GONE));
  upstream.on('close', (code, reason) => closeLike(client, code, reason, UPSTREAM_IS_GONE));
  for (const side of sides) {
    side.socket.on('close', countClosed);
    side.socket.on('pong', () => {
      side.isAlive = true;
    });
    // The event `close` follows.
    side.socket.on('error', () => undefined);
  }

  if (upstream.readyState === upstream.CLOSED) upstream.emit('close', 1006, Buffer.alloc(0));
  else upstream.resume();

  return {
    close(code, reason) {
      for (const { socket } of sides) closeWith(socket, code, reason);
    },
    ping() {
      for (const side of sides) pingOrEnd(side);
    },
  };
}

function pass(from: Side, to: Side): void {
  const resume = () => {
    to.isAlive = true;
    if (from.socket.isPaused && to.socket.bufferedAmount <= RESUME_BELOW_BYTES) from.socket.resume();
  };
  from.socket.on('message', (data: RawData, isBinary) => {
    from.isAlive = true;
    to.socket.send(data, { binary: isBinary }, resume);
    if (to.socket.bufferedAmount > MAX_UNSENT_BYTES) from.socket.pause();
  });
}

/** A side that is not read cannot show a sign of life. If the other side is gone, that one is closed, and then both are. */
function pingOrEnd(side: Side): void {
  const { socket } = side;
  if (socket.isPaused) return;
  if (!side.isAlive) socket.terminate();
  side.isAlive = false;
  if (socket.readyState === socket.OPEN) socket.ping();
}

function closeLike(socket: WebSocket, code: number, reason: Buffer, instead: number): void {
  if (code === NO_STATUS) closeWith(socket);
  else if (NOT_SENT.includes(code)) closeWith(socket, instead);
  else closeWith(socket, code, reason);
}

/** Only a socket that is read can see the answer. */
function closeWith(socket: WebSocket, code?: number, reason?: string | Buffer): void {
  socket.resume();
  socket.close(code, reason);
}
