import { ServerResponse } from 'node:http';
import { Socket } from 'node:net';

/** After the last answer, a connection stays open for so long, for what the client still sends. */
const LINGER_MS = 2_000;

/** Whether the answer says "Connection: close". Then no further request gets an answer. */
export const isLast = (response: ServerResponse): boolean =>
  response.headersSent && !response.shouldKeepAlive;

const IS_WANTED = Symbol('the client wants to keep the connection');
const MUST_CLOSE = Symbol('whether the connection must be closed');
const CLOSES = Symbol('the answer that began closes the connection');

/** An answer of the server. */
type Closable = ServerResponse & {
  [IS_WANTED]: boolean;
  [MUST_CLOSE]: (() => boolean) | undefined;
  [CLOSES]: boolean;
};

/**
 * The answers of a server on which `closeIf` can be called. Node reads `shouldKeepAlive` when it writes an answer. An
 * accessor of each answer itself would make all its other properties slow.
 */
export class ClosableResponse extends ServerResponse {}

Object.defineProperty(ClosableResponse.prototype, 'shouldKeepAlive', {
  get(this: Closable) {
    if (!this.headersSent && this[MUST_CLOSE]) this[CLOSES] = this[MUST_CLOSE]();
    return this[IS_WANTED] && !this[CLOSES];
  },
  set(this: Closable, isWanted: boolean) {
    this[IS_WANTED] = isWanted;
    this[CLOSES] ??= false;
  },
});

/**
 * Makes an answer say "Connection: close" for a reason that is known only when the answer is written.
 * @param mustClose called until the answer begins
 */
export function closeIf(response: ServerResponse, mustClose: () => boolean): void {
  (response as Closable)[MUST_CLOSE] = mustClose;
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
