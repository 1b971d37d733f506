import type { IncomingMessage } from 'node:http';
import type { Admit } from '../../auth/admit.ts';
import type { Authenticate } from '../../auth/authenticate.ts';
import { TARGET } from '../../auth/authenticator.ts';
import type { LiveConfig } from '../../gateway-file/live.ts';
import type { HostCheck } from '../../http/allowed-host.ts';
import type { Client, ResolveClient } from '../../http/client-address.ts';
import { headerReader } from '../../http/context.ts';
import { isBlind } from '../../http/other-page.ts';
import { Scope } from '../../lib/brand.ts';
import type { Failure } from '../../lib/failure.ts';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import type { KeyPrincipal } from '../../lib/principal.ts';
import type { LimitState } from '../../lib/rate-limit.ts';
import { fence, isForData } from './fence.ts';

/** What a key needs to use the gateway. */
const GATEWAY_USE = [Scope('gateway:use')];

/** Gives the place of a request back, when the request or its WebSocket has ended. */
export type Release = () => void;

export type Admitted = Readonly<{
  state: 'admitted';
  client: Client;
  /** Undefined while no key is needed. */
  principal: KeyPrincipal | undefined;
  /** What is left of each rate limit of the key. */
  limits: readonly LimitState[];
  release: Release;
}>;

export type ClientAuthentication =
  | Admitted
  | Readonly<{ state: 'refused'; client: Client; failure: Failure }>;

export type ClientAuthenticationParts = Readonly<{
  live: Pick<LiveConfig, 'current' | 'catchUp'>;
  authenticate: Authenticate<KeyPrincipal>;
  admit: Admit;
  /** Takes one of the places that a key has for requests at one time, or says why there is none. */
  acquire: (principal: KeyPrincipal) => Release | Failure;
  resolveClient: ResolveClient;
  isAllowedHost: HostCheck;
}>;

/**
 * Decides whether a request to the gateway may pass. It returns a promise only when it has to wait.
 * @param isUpgrade the request asks for a WebSocket
 */
export type AuthenticateClient = (
  request: IncomingMessage,
  isUpgrade?: boolean,
) => MaybePromise<ClientAuthentication>;

const nothing: Release = () => undefined;

/** Makes the authentication of the clients of the gateway, for requests and for WebSockets. */
export function createAuthenticateClient({
  live,
  authenticate,
  admit,
  acquire,
  resolveClient,
  isAllowedHost,
}: ClientAuthenticationParts): AuthenticateClient {
  /** For a request that needs no key. */
  function passFence({ socket, headers }: IncomingMessage, client: Client): ClientAuthentication {
    const peer = socket.remoteAddress;
    const allowsRemote = live.current().allowUnauthenticatedRemote && isAllowedHost(peer, headers.host);
    const isEncrypted = 'encrypted' in socket;
    const failure = fence({ peer, headers, isEncrypted }, allowsRemote);
    if (failure) return { state: 'refused', client, failure };
    return { state: 'admitted', client, principal: undefined, limits: [], release: nothing };
  }

  const checkKey = (request: IncomingMessage, client: Client): MaybePromise<ClientAuthentication> =>
    andThen(authenticate(client, requestReader(request), request.socket), (authentication) => {
      if (authentication.state === 'refused')
        return { state: 'refused', client, failure: authentication.failure };
      return andThen(admit(authentication.principal, GATEWAY_USE), (admission): ClientAuthentication => {
        if (admission.state === 'refused') return { state: 'refused', client, failure: admission.failure };
        const { principal, limits } = admission;
        const taken = acquire(principal);
        if (typeof taken !== 'function') return { state: 'refused', client, failure: taken };
        return { state: 'admitted', client, principal, limits, release: taken };
      });
    });

  function decide(request: IncomingMessage, isUpgrade: boolean): MaybePromise<ClientAuthentication> {
    const client = resolveClient({
      peer: request.socket.remoteAddress,
      forwardedFor: headerReader(request)('x-forwarded-for'),
    });
    // Before the key is read, so that nothing is counted.
    if (!isUpgrade && !isForData(request.headers))
      return { state: 'refused', client, failure: { code: 'cross_site_request', isDocument: true } };
    const { clientKeys, wsAuth } = live.current();
    const needsKey = clientKeys.length > 0 && (!isUpgrade || wsAuth);
    if (!needsKey) return passFence(request, client);
    // An image of any page could otherwise guess keys, and lock this machine out.
    if (isBlind(request.headers))
      return { state: 'refused', client, failure: { code: 'cross_site_request' } };
    return checkKey(request, client);
  }

  return (request, isUpgrade = false) => {
    const caughtUp = live.catchUp();
    return caughtUp ? caughtUp.then(() => decide(request, isUpgrade)) : decide(request, isUpgrade);
  };
}

/** Reads the headers, and the target too. */
export function requestReader(request: IncomingMessage) {
  const readHeader = headerReader(request);
  return (name: string) => (name === TARGET ? request.url : readHeader(name));
}
