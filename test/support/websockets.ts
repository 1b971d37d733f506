import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ClientOptions, type RawData, WebSocket, WebSocketServer } from 'ws';
import { type Answer, toAnswer } from './http.ts';

/** A small upstream with WebSockets, gone when the test is. */
export type SocketUpstream = {
  origin: string;
  server: Server;
  /** The requests for a WebSocket, the oldest first. */
  requests: IncomingMessage[];
  /** The sockets that it has opened. */
  sockets: WebSocket[];
};

/** @param onSocket what the upstream does with a socket; it sends every message back unless this says otherwise */
export async function socketUpstream(
  onSocket: (socket: WebSocket, request: IncomingMessage) => void = echo,
  options: { protocol?: string } = {},
): Promise<SocketUpstream> {
  const server = createServer((_, response) => response.writeHead(418).end());
  const requests: IncomingMessage[] = [];
  const sockets: WebSocket[] = [];
  const { protocol } = options;
  const webSockets = new WebSocketServer({
    noServer: true,
    ...(protocol !== undefined && { handleProtocols: () => protocol }),
  });
  server.on('upgrade', (request, socket: Socket, head) => {
    requests.push(request);
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      sockets.push(webSocket);
      webSocket.on('error', () => undefined);
      onSocket(webSocket, request);
    });
  });
  await listening(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.terminate();
  });
  return { origin: originOf(server), server, requests, sockets };
}

export function echo(socket: WebSocket): void {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
}

/** Listens on a free port of the loopback until the test is over. */
export async function listening(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
}

export const originOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

export type Closed = { code: number; reason: string };

export type ClientSocket = {
  socket: WebSocket;
  /** The next message. */
  next(): Promise<{ data: Buffer; isBinary: boolean }>;
  closed: Promise<Closed>;
};

/** The client was refused with an HTTP answer. */
export class Refused extends Error {
  readonly answer: Answer;
  constructor(answer: Answer) {
    super(`refused with ${answer.status}: ${answer.text}`);
    this.answer = answer;
  }
}

/** Opens a WebSocket. Ended when the test is over. @throws Refused */
export async function openSocket(
  origin: string,
  path = '/v1/responses',
  { protocols = [], ...options }: ClientOptions & { protocols?: string[] } = {},
): Promise<ClientSocket> {
  const socket = new WebSocket(`${origin}${path}`, protocols, options);
  onTestFinished(() => socket.terminate());
  const messages: { data: Buffer; isBinary: boolean }[] = [];
  const waiting: ((message: { data: Buffer; isBinary: boolean }) => void)[] = [];
  socket.on('message', (data: RawData, isBinary) => {
    const message = { data: data as Buffer, isBinary };
    const first = waiting.shift();
    if (first) first(message);
    else messages.push(message);
  });
  const closed = new Promise<Closed>((resolve) =>
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
  );
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.on('error', reject);
    socket.once('unexpected-response', (_, response) => {
      void toAnswer(response).then((answer) => reject(new Refused(answer)));
    });
  });
  return {
    socket,
    next: () =>
      new Promise((resolve) => {
        const first = messages.shift();
        if (first) resolve(first);
        else waiting.push(resolve);
      }),
    closed,
  };
}

/** The HTTP answer to a request for a WebSocket that is refused. */
export async function refusalOf(opening: Promise<ClientSocket>): Promise<Answer> {
  try {
    await opening;
  } catch (error) {
    if (error instanceof Refused) return error.answer;
    throw error;
  }
  throw new Error('the WebSocket was opened');
}
