import { createHash } from 'node:crypto';
import { generateRandomCodeVerifier, generateRandomState } from 'oauth4webapi';
import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { GatewayConfig, OAuthProvider } from '../gateway-file/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Seal } from '../pepper/seal.ts';
import { authorizationUrl, exchangeCode } from './exchange.ts';
import { endFlow, type Flow, findFlow, insertFlow, takeFlow } from './flow-store.ts';
import { providers } from './providers.ts';
import type { Grant } from './token-file.ts';

const FLOW_MS = 10 * 60_000;

/** What `generateRandomState` makes. */
const STATE = /^[\w-]{43}$/;

/** The state of a sign-in, for the page that polls it. */
export type FlowStatus = { status: 'ok' | 'wait' } | { status: 'error'; error: string };

export type Started = { state: string; url: string };

export type FlowParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  seal: Seal;
  config: () => GatewayConfig;
  /** Keeps what a provider has given. It may throw. */
  onGranted: (provider: OAuthProvider, grant: Grant) => Promise<void>;
  /** A sign-in came to no good end. Nothing in `error` is secret. */
  onFailed: (provider: OAuthProvider, error: string) => void;
};

/** A database copy has only digests of the states, and cannot end a sign-in with them. */
const digestOf = (state: string) => createHash('sha256').update(state).digest('base64url');

/** The settings that a provider needs and the file does not have, by their names there. */
export function missingSettings({ oauth }: Pick<GatewayConfig, 'oauth'>, provider: OAuthProvider): string[] {
  const { clientId, authorizeUrl, tokenUrl } = oauth[provider] ?? {};
  const needed = { 'client-id': clientId, 'authorize-url': authorizeUrl, 'token-url': tokenUrl };
  return Object.entries(needed).flatMap(([name, value]) => (value ? [] : [`oauth.${provider}.${name}`]));
}

/** Undefined while the file lacks some of them. */
export const settingsOf = (config: Pick<GatewayConfig, 'oauth'>, provider: OAuthProvider) =>
  missingSettings(config, provider).length === 0 ? config.oauth[provider] : undefined;

/** Signs in with a provider: authorization code with PKCE (RFC 7636), and a state that works once within ten minutes. */
export function createFlows({ db, clock, seal, config, onGranted, onFailed }: FlowParts) {
  async function exchange(
    flow: Flow,
    provider: OAuthProvider,
    answer: URLSearchParams,
  ): Promise<string | null> {
    if (flow.provider !== provider) return `the answer came to the callback of ${provider}`;
    const settings = settingsOf(config(), provider);
    if (!settings) return `${provider} is no longer configured`;
    const state = answer.get('state') ?? '';
    const verifier = seal.open(flow.verifier, contextOf(flow.state));
    const exchanged = await exchangeCode(settings, answer, {
      state,
      verifier,
      redirectUrl: flow.redirect_url,
    });
    if (exchanged.state !== 'granted') return exchanged.error;
    await onGranted(provider, exchanged.grant);
    return null;
  }

  return {
    /** The provider must be configured: see `missingSettings`. */
    async start(provider: OAuthProvider): Promise<Started> {
      const { port } = config();
      const settings = settingsOf(config(), provider);
      if (!settings) throw new TypeError(`${provider} is not configured`);
      const [state, verifier] = [generateRandomState(), generateRandomCodeVerifier()];
      const redirectUrl = settings.redirectUrl ?? `http://localhost:${port}/${provider}/callback`;
      const digest = digestOf(state);
      const now = clock.now();
      const flow: Flow = {
        state: digest,
        provider,
        verifier: seal.seal(verifier, contextOf(digest)),
        redirect_url: redirectUrl,
        status: 'pending',
        error: null,
        expires_at: now + FLOW_MS,
      };
      await transaction(db, (tx) => insertFlow(tx, flow, now));
      const { parameters } = providers[provider];
      return { state, url: await authorizationUrl(settings, parameters, { state, verifier, redirectUrl }) };
    },

    /** Ends a sign-in with the answer of the provider. @returns whether there are tokens now */
    async finish(provider: OAuthProvider, answer: URLSearchParams): Promise<boolean> {
      const state = answer.get('state') ?? '';
      // Anybody can send this, so an unknown state costs no write and leaves no line of its own in the log.
      const found = STATE.test(state) ? await findFlow(db, digestOf(state), clock.now()) : undefined;
      if (found?.status !== 'pending') return false;
      const flow = await transaction(db, (tx) => takeFlow(tx, digestOf(state), clock.now()));
      if (!flow) return false;
      const error = await exchange(flow, provider, answer).catch(() => 'the tokens could not be stored');
      await transaction(db, (tx) => endFlow(tx, flow.state, error));
      if (error !== null) onFailed(provider, error);
      return error === null;
    },

    async status(state: string): Promise<FlowStatus> {
      const flow = await findFlow(db, digestOf(state), clock.now());
      if (!flow) return { status: 'error', error: 'unknown or expired state' };
      if (flow.status === 'done') return { status: 'ok' };
      if (flow.status !== 'failed') return { status: 'wait' };
      return { status: 'error', error: flow.error ?? 'the sign-in failed' };
    },
  };
}

const contextOf = (digest: string) => `oauth flow ${digest}`;
