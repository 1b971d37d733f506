import type { RawKey } from '../lib/brand.ts';

/** How an upstream wants to be asked. It decides the header of the credential and the usual host. */
export const PROTOCOLS = ['openai', 'claude', 'codex', 'gemini'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export const OAUTH_PROVIDERS = ['anthropic', 'codex', 'google', 'iflow', 'antigravity'] as const;
export type OAuthProvider = (typeof OAUTH_PROVIDERS)[number];

/** A key of a client, as the file declares it. */
export type DeclaredKey = Readonly<{
  rawKey: RawKey;
  /** The comment behind the key in its line; empty when there is none. */
  label: string;
}>;

/** A credential for an upstream. */
export type ConfiguredCredential = Readonly<{
  protocol: Protocol;
  /** `openai-compatibility` has names; otherwise the name of the section. */
  name: string;
  /** Empty for an upstream of `openai-compatibility` that needs none. */
  apiKey: string;
  /** Clients choose the credential by a model name `prefix/model`. Null: it is used for models without a prefix. */
  prefix: string | null;
  /** Without a slash at its end. */
  baseUrl: string;
}>;

export type Amp = Readonly<{
  upstreamUrl: string;
  /** For clients that have none of their own; null when they are refused. */
  apiKey: string | null;
  byClientKey: ReadonlyMap<RawKey, string>;
}>;

/** The application that the operator has registered with a provider. */
export type OAuthSettings = Readonly<{
  /** Empty, like the URLs, while the file does not say it. */
  clientId: string;
  /** Empty for a public client. */
  clientSecret: string;
  authorizeUrl: string;
  tokenUrl: string;
  scopes: readonly string[];
  /** Null: `http://localhost:PORT/{provider}/callback`. */
  redirectUrl: string | null;
  /** Where the tokens are used. Null: the usual host of the protocol of the provider. */
  baseUrl: string | null;
  prefix: string | null;
}>;

export type Management = Readonly<{
  allowRemote: boolean;
  /** The bcrypt hash of the management key; null when the file has none. */
  secretHash: string | null;
  disableControlPanel: boolean;
  panelFile: string | null;
}>;

/** What `config.yaml` says, with all defaults filled in. Paths are absolute. */
export type GatewayConfig = Readonly<{
  /** Empty: all interfaces, as in the original. */
  host: string;
  port: number;
  tls: Readonly<{ cert: string; key: string }> | null;
  /** Empty: no client needs a key. */
  clientKeys: readonly DeclaredKey[];
  allowUnauthenticatedRemote: boolean;
  authDir: string;
  wsAuth: boolean;
  management: Management;
  amp: Amp | null;
  /** In the order of the file. */
  credentials: readonly ConfiguredCredential[];
  oauth: Readonly<Partial<Record<OAuthProvider, OAuthSettings>>>;
}>;

/** Why a file is refused. Nothing in it is secret. */
export type FileProblem = Readonly<{
  kind: 'unreadable' | 'invalid_yaml' | 'invalid_config';
  /** Beginning with 1; undefined when the problem has no line. */
  line: number | undefined;
  /** Such as `api-keys[2]`; empty for the whole file. */
  field: string;
  /** A sentence for the operator. It names line and field. */
  sentence: string;
}>;
