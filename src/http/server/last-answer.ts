import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';

/** After the last answer, a connection stays open for so long, for what the client still sends. */
const LINGER_MS = 2_000;

/** Whether the answer says "Connection: close". Then no further request gets an answer. */
export const isLast = (response: ServerResponse): boolean =>
  response.headersSent && !response.shouldKeepAlive;

/**
 * Makes an answer say "Connection: close" for a reason that is known only when the answer is written. Node reads
 * `shouldKeepAlive` at that moment.
 * @param mustClose called until the answer begins
 */
export function closeIf(response: ServerResponse, mustClose: () => boolean): void {
  let isWanted = response.shouldKeepAlive;
  let closes = false;
  Object.defineProperty(response, 'shouldKeepAlive', {
    configurable: true,
    get() {
      if (!response.headersSent) closes = mustClose();
      return isWanted && !closes;
    },
    set(value: boolean) {
      isWanted = value;
    },
  });
}

/**
 * Ends this side, and discards what still arrives. To close at once would reset the connection. The reset may reach the
 * client before it has read the answer (RFC 9112, section 9.6).
 */
export function linger(socket: Socket): void {
  socket.end();
  socket.resume();
  const cutOff = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(cutOff));
}

/** Node closes a connection after its last answer. This keeps it open while the client still sends the body. */
export function lingerOverBody(socket: Socket, latest: () => ServerResponse | undefined): void {
  socket.destroySoon = () => {
    const request = latest()?.req;
    if (!request || request.complete) return Socket.prototype.destroySoon.call(socket);
    linger(socket);
    request.resume();
  };
}
