import type { Actor } from '../lib/principal.ts';
import type { FileProblem, OAuthProvider, Protocol } from './config.ts';

/** A credential for an upstream, as an operator sees it. */
export type UpstreamView = Readonly<{
  /** The protocol, or `amp` for the paths of Amp. */
  protocol: Protocol | 'amp';
  name: string;
  prefix: string | null;
  baseUrl: string;
  /** The first characters of the credential. For an OAuth session, the e-mail address or the name of its file. */
  credential: string;
  kind: 'api_key' | 'oauth';
  /** In milliseconds since 1970: until then, other credentials are used. Null: it is in use. */
  restsUntil: number | null;
}>;

export type OAuthSessionView = Readonly<{
  id: string;
  provider: string;
  email: string | null;
  state: 'active' | 'expired';
  /** When the access token expires, in milliseconds since 1970; null when that is not known. */
  expiresAt: number | null;
}>;

/** The state of the gateway, without a secret. */
export type GatewayOverview = Readonly<{
  name: string;
  /** The URL that the file names. */
  address: string;
  /** When the configuration that is in force was read, in milliseconds since 1970. */
  loadedAt: number;
  problem: FileProblem | null;
  declaredKeys: number;
  webSocketsNeedKeys: boolean;
  upstreams: readonly UpstreamView[];
  sessions: readonly OAuthSessionView[];
  /** The providers that the file has settings for. */
  providers: readonly OAuthProvider[];
}>;

/** What a key has asked of a model since the gateway first started. `keyId` 0: requests without a key. */
export type ModelUsage = Readonly<{
  keyId: number;
  /** Null when the key is deleted since, and without a key. */
  label: string | null;
  hint: string | null;
  /** Empty when the requests named none that an upstream knew. */
  model: string;
  requests: number;
  failures: number;
  inputTokens: number;
  outputTokens: number;
}>;

/** What other APIs of the service can do with the gateway. */
export type GatewayControl = Readonly<{
  overview(): Promise<GatewayOverview>;
  /** The keys and models with the most requests, at most 100. */
  usage(): Promise<readonly ModelUsage[]>;
  /**
   * Begins a sign-in at a provider.
   * @returns the URL to open in a browser
   * @throws DomainError `invalid_request` when the file lacks settings of the provider
   */
  connect(provider: OAuthProvider, actor: Actor): Promise<string>;
  /** @throws DomainError `session_not_found` */
  disconnect(sessionId: string, actor: Actor): Promise<void>;
}>;
