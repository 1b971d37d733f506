import { onTestFinished } from 'vitest';
import { createAuthenticateClient } from '../../../src/apis/gateway/authenticate-client.ts';
import { type ByteBudget, createByteBudget } from '../../../src/apis/gateway/byte-budget.ts';
import { createWebSockets } from '../../../src/apis/gateway/websocket.ts';
import type { ConfiguredCredential, GatewayConfig } from '../../../src/gateway-file/config.ts';
import { clientResolver } from '../../../src/http/client-address.ts';
import { openai } from '../../../src/http/dialects/openai.ts';
import { createRequestLog } from '../../../src/http/request-log.ts';
import { listen } from '../../../src/http/server/listen.ts';
import type { KeyUse } from '../../../src/keys/recheck.ts';
import { RawKey } from '../../../src/lib/brand.ts';
import type { Failure } from '../../../src/lib/failure.ts';
import { createLogger } from '../../../src/lib/logger.ts';
import { createUpstreams } from '../../../src/upstreams/upstreams.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { noWarnings } from '../../support/no-warnings.ts';
import { keyPrincipal } from '../../support/principal.ts';

export const KEY = 'a-client-key-0123456789';
export const SECRET = 'the-key-of-the-upstream';
export const withKey = { headers: { Authorization: `Bearer ${KEY}` } };

export const codex = (
  baseUrl: string,
  apiKey = SECRET,
  prefix: string | null = null,
): ConfiguredCredential => ({ protocol: 'codex', name: 'codex-api-key', apiKey, prefix, baseUrl });

export type Setting = {
  config?: Partial<Pick<GatewayConfig, 'clientKeys' | 'wsAuth'>>;
  /** Why a valid key gets no place. */
  full?: () => Failure | undefined;
  limits?: { connectMs?: number; firstByteMs?: number };
  budget?: ByteBudget;
};

/** A server that only has the WebSockets of the gateway, and a client with the key 1. Gone when the test is. */
export async function socketGateway(credentials: readonly ConfiguredCredential[], setting: Setting = {}) {
  const log: Record<string, unknown>[] = [];
  const logger = createLogger('info', { write: (line) => void log.push(JSON.parse(line)) });
  const requestLog = createRequestLog(logger, 100);
  const resolveClient = clientResolver([], noWarnings);
  const upstreams = createUpstreams(fakeClock().clock);
  upstreams.setConfigured(credentials);
  const clientKeys = [{ rawKey: RawKey(KEY), label: '' }];
  let config = { clientKeys, wsAuth: true, ...setting.config } as GatewayConfig;
  const listeners: ((now: GatewayConfig, before: GatewayConfig) => void)[] = [];
  const live = {
    current: () => config,
    catchUp: () => undefined,
    onChange: (listener: (typeof listeners)[number]) => void listeners.push(listener),
  };
  let placesTaken = 0;
  const invalid = new Set<number>();
  const principal = keyPrincipal(1);
  const webSockets = createWebSockets({
    live,
    authenticateClient: createAuthenticateClient({
      live,
      authenticate(_, header) {
        const credential = header('authorization');
        if (credential === `Bearer ${KEY}`) return { state: 'authenticated', principal };
        const failure: Failure = credential
          ? { code: 'invalid_api_key', remaining: 4 }
          : { code: 'api_key_required', remaining: 5 };
        return { state: 'refused', failure };
      },
      admit: () => ({ state: 'admitted', principal, limits: [] }),
      acquire() {
        const failure = setting.full?.();
        if (failure) return failure;
        placesTaken++;
        return () => void placesTaken--;
      },
      resolveClient,
      isAllowedHost: () => true,
    }),
    upstreams,
    budget: setting.budget ?? createByteBudget(),
    limits: { connectMs: 5_000, firstByteMs: 5_000, lookup: undefined, ...setting.limits },
    findInvalid: async (keys) => new Set<KeyUse>(keys.filter(({ id }) => invalid.has(id))),
    requestLog,
    logger,
  });
  const application = {
    ...{ requestLog, resolveClient, upgrade: webSockets.upgrade },
    fast: () => false,
    fetch: () => new Response('over HTTP'),
  };
  const endpoint = { host: '127.0.0.1', port: 0, isShared: false };
  const options = { dialect: openai, requestMs: 0, answersTakeLong: true };
  const server = await listen(application, endpoint, logger, options);
  onTestFinished(async () => {
    await server.stop(0);
    webSockets.close();
    requestLog.close();
  });
  return {
    origin: `http://127.0.0.1:${server.address.port}`,
    log,
    webSockets,
    /** The ids of the keys that are no longer valid. */
    invalid,
    placesTaken: () => placesTaken,
    reload(change: Partial<GatewayConfig>) {
      const before = config;
      config = { ...config, ...change };
      for (const listener of listeners) listener(config, before);
    },
  };
}
