import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { client, type Send } from '../support/http.ts';
import { register, startService } from '../support/keyhearth.ts';
import { type ReverseProxy, startProxy } from './proxies.ts';

export type Seen = { method: string; url: string; headers: IncomingHttpHeaders; body: string };

/** The service behind a proxy. */
export type Service = { port: number; seen: { length: number }; close(): Promise<void> };

export type Stack = {
  /** Of the proxy. */
  origin: string;
  /** A client of the proxy that has an address of its own. */
  newClient(): Send;
  /** What the proxy has logged so far. */
  logs(): string;
  /** Keyhearth itself, not through the proxy. */
  keyhearth: { send: Send; end(): Promise<unknown> };
  /** How many requests have come through. */
  passed: () => number;
  close(): Promise<void>;
};

/** A small server that answers with what it was sent. */
export async function startRecorder(
  headers: Record<string, string> = {},
  present: (seen: Seen) => string = JSON.stringify,
) {
  const seen: Seen[] = [];
  const connections = new Set<unknown>();
  const server = createServer(async (request, response) => {
    const { method = '', url = '' } = request;
    const body = await text(request).catch(() => undefined);
    // A client that goes away in the middle of its body.
    if (body === undefined) return;
    const one = { method, url, headers: request.headers, body };
    seen.push(one);
    connections.add(request.socket);
    const answer = present(one);
    const length = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(answer) };
    response.writeHead(200, { ...length, ...headers }).end(answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    connections,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Whom Keyhearth trusts, 127.0.0.1, is no client: that address would never be locked. */
let lastAddress = 1;
export const nextAddress = () => `127.0.0.${++lastAddress}`;

/**
 * Clients, the real proxy, the real Keyhearth with its first key, and a service behind them.
 * @param edit what an operator would change in the file of deploy/
 * @param service what runs behind the proxy; closed together with the stack
 */
export async function startStack(
  proxy: ReverseProxy,
  edit?: (text: string) => string,
  service?: Service,
): Promise<Stack> {
  const keyhearth = await startService({
    env: { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1', KEYHEARTH_ALLOWED_HOSTS: 'localhost,127.0.0.1' },
  });
  const { origin, send } = keyhearth;
  const upstream = service ?? (await startRecorder());
  let ending: Promise<void> | undefined;
  const end = () => {
    ending ??= keyhearth.close();
    return ending;
  };

  async function close(): Promise<void> {
    await Promise.all([end(), upstream.close()]);
  }

  try {
    await register(send);
    const ports = { upstream: upstream.port, keyhearth: Number(new URL(origin).port) };
    const running = await startProxy(proxy, ports, edit);
    return {
      origin: running.origin,
      newClient: () => client(running.origin, nextAddress()),
      logs: running.logs,
      keyhearth: { send, end },
      passed: () => upstream.seen.length,
      async close() {
        await running.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
