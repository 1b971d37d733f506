import type { ConfiguredCredential, Protocol } from '../gateway-file/config.ts';
import { parseBaseUrl } from '../lib/base-url.ts';

/** A token of an OAuth session, which is used like a configured credential. */
export type TokenCredential = Readonly<{
  protocol: Protocol;
  name: string;
  accessToken: string;
  prefix: string | null;
  /** Null: the usual host of the protocol. */
  baseUrl: string | null;
}>;

/** What the gateway sends to one upstream in place of the client's key. */
export type Credential = Readonly<{
  protocol: Protocol | 'amp';
  name: string;
  prefix: string | null;
  /** The scheme, host and port of the upstream. */
  origin: string;
  /** The path of the base URL, without a slash at its end. */
  basePath: string;
  secret: string;
  /** It is a token, and not an API key. */
  isToken: boolean;
}>;

/** Where each protocol is spoken, unless the operator says otherwise. */
const USUAL_HOSTS: Readonly<Record<Protocol, string>> = {
  openai: 'https://api.openai.com',
  codex: 'https://api.openai.com',
  claude: 'https://api.anthropic.com',
  gemini: 'https://generativelanguage.googleapis.com',
};

function credential(
  base: Pick<Credential, 'protocol' | 'name' | 'prefix' | 'secret' | 'isToken'>,
  baseUrl: string,
): Credential[] {
  const parsed = parseBaseUrl(baseUrl);
  return parsed ? [{ ...base, ...parsed }] : [];
}

export const ofConfigured = ({ protocol, name, prefix, apiKey, baseUrl }: ConfiguredCredential) =>
  credential({ protocol, name, prefix, secret: apiKey, isToken: false }, baseUrl);

export const ofToken = ({ protocol, name, prefix, accessToken, baseUrl }: TokenCredential) =>
  credential(
    { protocol, name, prefix, secret: accessToken, isToken: true },
    baseUrl ?? USUAL_HOSTS[protocol],
  );

export const ofAmp = (upstreamUrl: string, apiKey: string) =>
  credential({ protocol: 'amp', name: 'ampcode', prefix: null, secret: apiKey, isToken: false }, upstreamUrl);

/** Enough of a secret to recognise it: a quarter, and at most six characters. */
export const secretHint = (secret: string) =>
  `${secret.slice(0, Math.min(6, Math.floor(secret.length / 4)))}…`;
