import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { hasBody } from '../body.ts';
import { closeIf, isLast, linger, lingerOverBody } from './last-answer.ts';

/** So many requests of one connection are handled at once. Later ones wait, and nothing more is read until then. */
const MAX_STARTED = 16;
/** The requests that wait, of all connections together. Each needs 3 KB, and one read can bring two thousand. */
const MAX_WAITING = 10_000;
/** A body that no route reads is discarded up to this size, so that the connection can be kept. */
const MAX_DISCARDED_BYTES = 64 * 1024;

type Connection = {
  readonly socket: Socket;
  /** The answers that are not finished, the oldest first. */
  readonly started: ServerResponse[];
  /** The answers to requests that wait for them. */
  readonly waiting: ServerResponse[];
  /** The answer to the latest request, until both are finished. */
  latest: ServerResponse | undefined;
  /** What to do when all requests so far have an answer. */
  afterwards: (() => void) | undefined;
  /** Ends the watch whether the client leaves before that. */
  stopWatch: (() => void) | undefined;
};

export type Connections = ReturnType<typeof trackConnections>;

/**
 * Tracks the connections of a server, and the requests of each that have no answer yet.
 * @param handle answers a request
 */
export function trackConnections(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const connections = new Map<Socket, Connection>();
  /** The connections below those of TLS. */
  const encrypted = new Set<Socket>();
  let opened = 0;
  let received = 0;
  let waiting = 0;
  let isHeld = false;
  let isClosing = false;

  function add(socket: Socket): void {
    opened++;
    const connection: Connection = {
      socket,
      started: [],
      waiting: [],
      latest: undefined,
      afterwards: undefined,
      stopWatch: undefined,
    };
    connections.set(socket, connection);
    lingerOverBody(socket, () => connection.latest);
    socket.once('close', () => {
      connections.delete(socket);
      waiting -= connection.waiting.length;
      // After an upgrade, Node ends only the oldest answer.
      if (connection.stopWatch) for (const response of connection.started) response.destroy();
    });
    // Node starts to read again for a body that is read, and after an answer that was slow to send.
    socket.on('resume', () => {
      if (connection.waiting.length > 0 && !connection.stopWatch) socket.pause();
    });
  }

  function receive(request: IncomingMessage, response: ServerResponse): void {
    received++;
    const connection = connections.get(request.socket);
    // After the last answer, this request gets none. So nothing may be done for it.
    if (!connection || request.socket.writableEnded || (connection.latest && isLast(connection.latest)))
      return;
    connection.latest = response;
    if (isClosing || hasBody(request)) closeIf(response, mustClose(connection, response));
    if (isHeld || connection.started.length >= MAX_STARTED) wait(connection, response);
    else start(connection, response);
  }

  const mustClose = (connection: Connection, response: ServerResponse) => () =>
    (isClosing && connection.latest === response) || (!response.req.complete && !isShort(response.req));

  function start(connection: Connection, response: ServerResponse): void {
    connection.started.push(response);
    response.on('close', countAnswered);
    handle(response.req, response);
  }

  function wait(connection: Connection, response: ServerResponse): void {
    if (waiting >= MAX_WAITING) {
      connection.socket.destroy();
      return;
    }
    waiting++;
    connection.waiting.push(response);
    connection.socket.pause();
  }

  function startWaiting(connection: Connection): void {
    if (isHeld || connection.waiting.length === 0) return;
    while (connection.started.length < MAX_STARTED) {
      const next = connection.waiting.shift();
      if (!next) break;
      waiting--;
      start(connection, next);
    }
    if (connection.waiting.length === 0) connection.socket.resume();
  }

  function countAnswered(this: ServerResponse): void {
    const connection = connections.get(this.req.socket);
    if (!connection) return;
    connection.started.splice(connection.started.indexOf(this), 1);
    if (connection.latest === this && this.req.complete) connection.latest = undefined;
    startWaiting(connection);
    settle(connection);
  }

  function settle(connection: Connection): void {
    const { socket, started, waiting, latest, afterwards } = connection;
    const isBroken = latest?.req.complete === false;
    const unanswered = started.length + waiting.length;
    if (!afterwards || unanswered > (isBroken && !latest.headersSent ? 1 : 0)) return;
    connection.afterwards = () => undefined;
    connection.stopWatch?.();
    if (isBroken && latest.headersSent) linger(socket);
    else afterwards();
  }

  return {
    add,
    receive,

    /** Tracks a connection on which TLS begins. When that is ready, `add` gets the connection above it. */
    addEncrypted(socket: Socket): void {
      opened++;
      encrypted.add(socket);
      socket.once('close', () => encrypted.delete(socket));
    },

    /** The number of connections so far. */
    opened: () => opened,
    /** The number of requests so far. */
    received: () => received,
    isEmpty: () => connections.size === 0 && encrypted.size === 0,

    /**
     * Does something when all complete requests have an answer. If the latest request is not complete and has an answer
     * already, the connection is only closed. Only the first call for a connection counts.
     * @param watch begins a watch for a client that leaves before, and returns what stops it
     */
    afterAnswers(socket: Socket, act: () => void, watch?: (socket: Socket) => () => void): void {
      const connection = connections.get(socket);
      if (!connection || connection.afterwards) return;
      connection.afterwards = act;
      settle(connection);
      if (!watch || connection.afterwards !== act) return;
      // It is read although requests wait, because no further request can follow.
      connection.stopWatch = () => undefined;
      connection.stopWatch = watch(socket);
    },

    /** From now on, the last answer on each connection says "Connection: close". */
    closeAfterAnswers(): void {
      isClosing = true;
      for (const connection of connections.values()) {
        const { latest } = connection;
        if (latest && !latest.headersSent) closeIf(latest, mustClose(connection, latest));
      }
    },

    /** Closes a connection on which no byte moves, unless the client waits for an answer. */
    closeUnlessAnswering(socket: Socket): void {
      const connection = connections.get(socket);
      const mustSend = connection?.latest?.req.complete === false;
      const mustRead = socket.writableLength > 0;
      if (!connection || connection.started.length === 0 || mustSend || mustRead) socket.destroy();
      else socket.setTimeout(socket.timeout ?? 0);
    },

    /** Makes all further requests wait until `release`. */
    hold(): void {
      isHeld = true;
    },

    release(): void {
      isHeld = false;
      for (const connection of connections.values()) startWaiting(connection);
    },

    /** Closes all connections. Node's own method misses those with a CONNECT request. */
    closeAll(): void {
      for (const socket of [...connections.keys(), ...encrypted]) socket.destroy();
    },

    /** Closes the connections on which nothing was ever sent. */
    closeUnused(): void {
      for (const socket of [...connections.keys(), ...encrypted])
        if (socket.bytesRead === 0) socket.destroy();
    },
  };
}

const isShort = ({ headers }: IncomingMessage): boolean =>
  Number(headers['content-length'] ?? Number.POSITIVE_INFINITY) <= MAX_DISCARDED_BYTES;
