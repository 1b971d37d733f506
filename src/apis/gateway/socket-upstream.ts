import type { ClientRequest, ClientRequestArgs, IncomingMessage } from 'node:http';
import type { LookupFunction, Socket } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';
import type { Failure } from '../../lib/failure.ts';
import type { RestReason } from '../../upstreams/pools.ts';
import type { Leg } from './socket-bridge.ts';
import { SOCKET_OPTIONS } from './socket-options.ts';

/** Where to open a WebSocket, and with which headers. */
export type SocketUpstream = Readonly<{
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Lets its credential rest. @returns for how many milliseconds */
  rest(reason: RestReason): number;
}>;

export type UpstreamLimits = Readonly<{
  connectMs: number;
  firstByteMs: number;
  lookup: LookupFunction | undefined;
}>;

export type Opened = Leg | Readonly<{ failure: Failure; mayTryAnother: boolean }>;

const refused = (failure: Failure, mayTryAnother: boolean): Opened => ({ failure, mayTryAnother });

/**
 * Opens a WebSocket to an upstream.
 * @param onBegin gets the function that gives up
 */
export function openUpstream(
  { url, headers, rest }: SocketUpstream,
  protocols: readonly string[],
  { connectMs, firstByteMs, lookup }: UpstreamLimits,
  onBegin: (giveUp: () => void) => void,
): Promise<Opened> {
  return new Promise((resolve) => {
    let isConnected = false;
    let isSettled = false;
    let timer = setTimeout(late, connectMs);
    const options: ClientOptions & Pick<ClientRequestArgs, 'lookup'> = {
      ...SOCKET_OPTIONS,
      ...{ headers, lookup, finishRequest: watchConnection },
    };
    const socket = create();
    if (!socket) return;
    onBegin(() => settle(refused({ code: 'upstream_connection_lost' }, false)));

    function settle(opened: Opened): void {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      resolve(opened);
      if (!('socket' in opened)) socket?.terminate();
    }

    /** The headers of the client came over HTTP. So if a header cannot be sent, it is that of the credential. */
    function create(): WebSocket | undefined {
      try {
        return new WebSocket(url, [...protocols], options);
      } catch {
        clearTimeout(timer);
        rest({ kind: 'refused' });
        resolve(refused({ code: 'upstream_credential_refused' }, true));
        return undefined;
      }
    }

    /** Nothing was asked before the connection. So another upstream may be asked instead. */
    function fail(failure: Failure): void {
      if (isSettled) return;
      if (!isConnected) rest({ kind: 'unreachable' });
      settle(refused(failure, !isConnected));
    }

    function late(): void {
      fail({ code: isConnected ? 'upstream_timeout' : 'upstream_connect_timeout' });
    }

    function watchConnection(request: ClientRequest): void {
      request.once('socket', (connection: Socket) => {
        connection.once(url.startsWith('https:') ? 'secureConnect' : 'connect', () => {
          isConnected = true;
          clearTimeout(timer);
          timer = setTimeout(late, firstByteMs);
        });
      });
      request.end();
    }

    socket.once('upgrade', ({ socket: connection }) => {
      socket.once('open', () => {
        // It is read when its messages have somewhere to go.
        socket.pause();
        settle({ socket, connection });
      });
    });
    socket.once('unexpected-response', (_, response) => settle(judge(response, rest)));
    socket.on('error', () =>
      fail({ code: isConnected ? 'upstream_connection_lost' : 'upstream_unreachable' }),
    );
  });
}

/** What an answer means that opens no WebSocket. */
function judge(response: IncomingMessage, rest: SocketUpstream['rest']): Opened {
  const { statusCode: status = 502, headers } = response;
  response.destroy();
  switch (status) {
    case 401:
    case 403:
      rest({ kind: 'refused' });
      return refused({ code: 'upstream_credential_refused' }, true);
    case 429: {
      const restMs = rest({ kind: 'limited', retryAfter: headers['retry-after'] });
      return refused({ code: 'upstream_rate_limited', retryAfter: Math.ceil(restMs / 1_000) }, true);
    }
    default:
      return refused({ code: 'upstream_websocket_refused' }, false);
  }
}
