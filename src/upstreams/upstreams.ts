import type { ConfiguredCredential, Protocol } from '../gateway-file/config.ts';
import type { Clock } from '../lib/clock.ts';
import { createRoutes, type Route } from './choose.ts';
import { type Credential, ofConfigured, ofToken, secretHint, type TokenCredential } from './credential.ts';
import { createPools, type RestReason } from './pools.ts';

export type UpstreamState = Readonly<{
  protocol: Credential['protocol'];
  name: string;
  prefix: string | null;
  baseUrl: string;
  isToken: boolean;
  /** The first characters of an API key, or the file of a token. */
  credential: string;
  /** Milliseconds for which the credential rests; 0 when it does not. */
  restMs: number;
}>;

export type Upstreams = Readonly<{
  /** Replaces the credentials of the file. */
  setConfigured(list: readonly ConfiguredCredential[]): void;
  /** Replaces the tokens of the OAuth sessions. */
  setTokens(list: readonly TokenCredential[]): void;
  route(protocol: Protocol, model: string | null): Route;
  /** The next credential of a pool; undefined when the request has tried all. */
  take(pool: readonly Credential[], tried?: readonly Credential[]): Credential | undefined;
  /** Lets a credential rest. @returns for how many milliseconds */
  rest(credential: Credential, reason: RestReason): number;
  /** All credentials, in their order. A change makes a new list. */
  credentials(): readonly Credential[];
  /** Without what is secret. */
  states(): UpstreamState[];
}>;

/** The credentials for all upstreams: those of the file, and then the tokens. */
export function createUpstreams(clock: Clock): Upstreams {
  const pools = createPools(clock);
  let configured: readonly Credential[] = [];
  let tokens: readonly Credential[] = [];
  let all: readonly Credential[] = [];
  let routes = createRoutes(all);

  function update(): void {
    all = [...configured, ...tokens];
    routes = createRoutes(all);
    pools.keepOnly(all);
  }

  return {
    setConfigured(list) {
      configured = list.flatMap(ofConfigured);
      update();
    },
    setTokens(list) {
      tokens = list.flatMap(ofToken);
      update();
    },
    route: (protocol, model) => routes.route(protocol, model),
    take: pools.take,
    rest: pools.rest,
    credentials: () => all,
    states: () =>
      all.map((credential) => {
        const { protocol, name, prefix, origin, basePath, secret, isToken } = credential;
        return {
          ...{ protocol, name, prefix, isToken },
          baseUrl: origin + basePath,
          credential: isToken ? name : secretHint(secret),
          restMs: pools.restLeft(credential),
        };
      }),
  };
}
