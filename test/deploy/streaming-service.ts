import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Service } from './stack.ts';

/** Of RFC 6455. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const MAX_HEADER_BYTES = 1024 * 1024;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export type StreamingService = Service & {
  /** Sends an event to everybody who listens to `/events`. */
  sendEvent(data: string): void;
  seen: IncomingMessage['headers'][];
};

/**
 * A service that sends events at `/events`, echoes the text of a WebSocket, and answers everything else with the headers,
 * the length and the digest of what it was sent.
 */
export async function startStreamingService(): Promise<StreamingService> {
  const listeners = new Set<ServerResponse>();
  const sockets = new Set<Duplex>();
  const seen: IncomingMessage['headers'][] = [];
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, async (request, response) => {
    seen.push(request.headers);
    if (request.url === '/events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
      listeners.add(response);
      return;
    }
    const body = await buffer(request);
    const { method, headers } = request;
    const answer = JSON.stringify({ method, headers, length: body.length, sha256: sha256(body) });
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(answer);
  });
  server.on('upgrade', (request, socket) => {
    seen.push(request.headers);
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write(switchingProtocols(request));
    socket.on('data', (frame) => echo(socket, frame));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    sendEvent(data) {
      for (const listener of listeners) listener.write(`data: ${data}\n\n`);
    },
    async close() {
      server.close();
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function switchingProtocols({ headers }: IncomingMessage): string {
  const accept = createHash('sha1')
    .update(`${headers['sec-websocket-key']}${WEBSOCKET_GUID}`)
    .digest('base64');
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    `Upgrade: ${headers.upgrade}`,
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** One short frame of text, as a browser sends it: masked, and in one packet. The answer is the same one unmasked. */
function echo(socket: Duplex, frame: Buffer): void {
  const [first = 0, second = 0] = frame;
  const isText = (first & 0x0f) === 1;
  if (!isText) {
    socket.end();
    return;
  }
  const length = second & 0x7f;
  const mask = frame.subarray(2, 6);
  const payload = frame.subarray(6, 6 + length).map((byte, i) => byte ^ (mask[i % 4] ?? 0));
  socket.write(Buffer.concat([Buffer.of(first, length), payload]));
}
