import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import type { LiveConfig } from '../../gateway-file/live.ts';
import { watchUnread } from '../../http/departure.ts';
import { failureOf } from '../../http/failures.ts';
import type { RequestLog } from '../../http/request-log.ts';
import type { KeyUse } from '../../keys/recheck.ts';
import type { Failure } from '../../lib/failure.ts';
import type { Logger } from '../../lib/logger.ts';
import { parseTarget } from '../../upstreams/target.ts';
import type { Upstreams } from '../../upstreams/upstreams.ts';
import type { AuthenticateClient, ClientAuthentication } from './authenticate-client.ts';
import { type ByteBudget, budgetClientOf } from './byte-budget.ts';
import { readHandshake } from './handshake.ts';
import { type OpenSocket, trackOpenSockets } from './open-sockets.ts';
import { bridge, type Leg } from './socket-bridge.ts';
import { SOCKET_OPTIONS } from './socket-options.ts';
import { type NextUpstream, socketRoute } from './socket-route.ts';
import { type Opened, openUpstream, type UpstreamLimits } from './socket-upstream.ts';

/** The paths at which clients open WebSockets. */
const PATHS = ['/v1/responses', '/v1/ws'];

export type WebSocketParts = Readonly<{
  live: Pick<LiveConfig, 'current' | 'onChange'>;
  authenticateClient: AuthenticateClient;
  upstreams: Pick<Upstreams, 'route' | 'take' | 'rest'>;
  limits: UpstreamLimits;
  budget: ByteBudget;
  findInvalid: (keys: readonly KeyUse[]) => Promise<ReadonlySet<KeyUse>>;
  requestLog: RequestLog;
  logger: Logger;
}>;

/** Answers over the connection, and ends it. */
type Refuse = (failure: Failure, headers?: Readonly<Record<string, string>>) => void;

type Admitted = Extract<ClientAuthentication, { state: 'admitted' }>;

/** A request for a WebSocket. */
type Visit = Readonly<{
  request: IncomingMessage;
  connection: Socket;
  head: Buffer;
  refuse: Refuse;
  /** Ends the watch whether the client leaves. */
  stopWatch: () => void;
  start: number;
}>;

/**
 * The WebSockets of the gateway. A client is authenticated before its connection is upgraded. It is upgraded when the
 * upstream has accepted, so until then every refusal is an HTTP answer.
 */
export function createWebSockets(parts: WebSocketParts) {
  const { live, authenticateClient, upstreams, limits, budget, findInvalid, requestLog, logger } = parts;
  const open = trackOpenSockets(live, findInvalid);
  /** The subprotocol that the upstream has chosen. */
  const chosen = new WeakMap<IncomingMessage, string>();
  const server = new WebSocketServer({
    ...SOCKET_OPTIONS,
    noServer: true,
    clientTracking: false,
    handleProtocols: (_, request) => chosen.get(request) || false,
  });
  let isStopping = false;

  async function enter(visit: Visit): Promise<void> {
    const { request, refuse } = visit;
    if (isStopping) return refuse({ code: 'stopping', retryAfter: 1 });
    const target = parseTarget(request.url ?? '');
    if (!target) return refuse({ code: 'malformed_request', reason: 'target' });
    if (!PATHS.includes(target.path)) return refuse({ code: 'not_found' });
    const handshake = readHandshake(request);
    if ('failure' in handshake) return refuse(handshake.failure, handshake.headers);
    const client = await authenticateClient(request, true);
    if (client.state === 'refused') return refuse(client.failure);
    try {
      const next = socketRoute(upstreams, target, request.headers);
      const opened = await connect(visit, next, handshake.protocols);
      if ('socket' in opened) return join(visit, client, opened, target.path);
      client.release();
      refuse(opened.failure);
    } catch (error) {
      client.release();
      throw error;
    }
  }

  async function connect(
    { connection }: Visit,
    next: NextUpstream,
    protocols: readonly string[],
  ): Promise<Opened> {
    let last: Opened = { failure: { code: 'no_upstream' }, mayTryAnother: true };
    while (last.mayTryAnother && !connection.destroyed) {
      const upstream = next();
      if (!upstream) break;
      const opened = await openUpstream(upstream, protocols, limits, (giveUp) =>
        connection.once('close', giveUp),
      );
      if ('socket' in opened) return opened;
      last = opened;
    }
    return last;
  }

  function join(
    { request, connection, head, stopWatch, start }: Visit,
    client: Admitted,
    upstream: Leg,
    route: string,
  ): void {
    chosen.set(request, upstream.socket.protocol);
    stopWatch();
    let isUpgraded = false;
    server.handleUpgrade(request, connection, head, (socket) => {
      isUpgraded = true;
      connection.resume();
      const { principal, release } = client;
      const reserve = () => budget(budgetClientOf(principal));
      const both: OpenSocket = {
        bridge: bridge({ socket, connection }, upstream, reserve, () => {
          open.remove(both);
          release();
        }),
        key: principal && { id: principal.id, ip: client.client.ip },
      };
      open.add(both);
      const answered = { route, status: 101, client: client.client.address };
      requestLog.answered(
        { request_id: randomUUID(), method: 'GET', ...answered, key_id: principal?.id },
        start,
      );
    });
    // The client has left.
    if (isUpgraded) return;
    upstream.socket.terminate();
    client.release();
  }

  return {
    /** Takes the connection of a request for an upgrade. */
    upgrade(request: IncomingMessage, connection: Socket, head: Buffer, refuse: Refuse): void {
      connection.on('error', () => undefined);
      const stopWatch = watchUnread(connection);
      const refuseAndStop: Refuse = (failure, headers) => {
        stopWatch();
        refuse(failure, headers);
      };
      const start = performance.now();
      enter({ request, connection, head, refuse: refuseAndStop, stopWatch, start }).catch((error: unknown) =>
        refuseAndStop(failureOf(error, logger, randomUUID())),
      );
    },

    /** Refuses new WebSockets, and closes the open ones after so long. */
    stop(graceMs: number): void {
      isStopping = true;
      setTimeout(open.closeAll, graceMs).unref();
    },

    openSockets: open.size,
    close: open.close,
  };
}
