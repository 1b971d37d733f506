import { onTestFinished } from 'vitest';
import { apartForPages } from '../../src/apis/gateway/apart-for-pages.ts';
import { createAuthenticateClient } from '../../src/apis/gateway/authenticate-client.ts';
import { type ByteBudget, createByteBudget } from '../../src/apis/gateway/byte-budget.ts';
import { createClientApi } from '../../src/apis/gateway/client-api.ts';
import type { ModelUse } from '../../src/apis/gateway/usage.ts';
import { createAdmit } from '../../src/auth/admit.ts';
import { createAuthenticate } from '../../src/auth/authenticate.ts';
import { gatewayKeyAuthenticator } from '../../src/auth/by/gateway-key.ts';
import type { ConfiguredCredential, GatewayConfig } from '../../src/gateway-file/config.ts';
import { hostCheck } from '../../src/http/allowed-host.ts';
import { clientResolver } from '../../src/http/client-address.ts';
import { openai } from '../../src/http/dialects/openai.ts';
import { createRequestLog } from '../../src/http/request-log.ts';
import { listen } from '../../src/http/server/listen.ts';
import { KeyId, RawKey, Scope } from '../../src/lib/brand.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import type { Failure } from '../../src/lib/failure.ts';
import { createLogger } from '../../src/lib/logger.ts';
import type { KeyPrincipal } from '../../src/lib/principal.ts';
import { createLockout } from '../../src/lockout/lockout.ts';
import { createAgent, type Patience } from '../../src/upstreams/agent.ts';
import { createModels } from '../../src/upstreams/models.ts';
import { createUpstreams } from '../../src/upstreams/upstreams.ts';
import { client } from './http.ts';
import { noWarnings } from './no-warnings.ts';
import { keyPrincipal } from './principal.ts';

export const CLIENT_KEY = 'client-key-of-the-tests-0123456789abcd';
export const OTHER_KEY = 'other-client-key-of-the-tests-01234567';

const PATIENCE: Patience = { connectMs: 1_000, firstByteMs: 5_000, idleMs: 5_000 };

export const gatewayConfig = (settings: Partial<GatewayConfig> = {}): GatewayConfig => ({
  host: '127.0.0.1',
  port: 8317,
  tls: null,
  clientKeys: [CLIENT_KEY, OTHER_KEY].map((key) => ({ rawKey: RawKey(key), label: '' })),
  allowUnauthenticatedRemote: false,
  authDir: '/nonexistent',
  wsAuth: true,
  management: { allowRemote: false, secretHash: null, disableControlPanel: false, panelFile: null },
  amp: null,
  credentials: [],
  oauth: {},
  ...settings,
});

export const credential = (
  settings: Partial<ConfiguredCredential> & Pick<ConfiguredCredential, 'baseUrl'>,
): ConfiguredCredential => ({
  protocol: 'openai',
  name: settings.protocol ?? 'openai',
  apiKey: 'upstream-key-0123456789',
  prefix: null,
  ...settings,
});

type Options = {
  config?: Partial<GatewayConfig>;
  patience?: Partial<Patience>;
  clock?: Clock;
  acquire?: (principal: KeyPrincipal) => (() => void) | Failure;
  budget?: ByteBudget;
  /** What the keys of the clients hold. */
  principals?: Record<string, Partial<KeyPrincipal>>;
};

/** The client API of the gateway over real HTTP, with its keys in memory. Gone when the test is. */
export async function startGateway({
  config,
  patience,
  clock = systemClock,
  acquire,
  budget,
  principals = {},
}: Options) {
  const current = gatewayConfig(config);
  const live = { current: () => current, catchUp: () => undefined };
  const log: Record<string, unknown>[] = [];
  const uses: ModelUse[] = [];
  const logger = createLogger('debug', { write: (line) => log.push(JSON.parse(line)) });
  const requestLog = createRequestLog(logger, 1_000);
  const known = new Map(
    current.clientKeys.map(({ rawKey }, i): [string, KeyPrincipal] => [
      rawKey,
      { ...keyPrincipal(i + 1), scopes: [Scope('gateway:use')], ...principals[rawKey] },
    ]),
  );
  const principalOf = (key: string) => known.get(key);
  const policy = { attempts: 5, seconds: 300, by: 'address' } as const;
  const lockout = createLockout(policy, clock);
  const pageLockout = createLockout(policy, clock);
  const resolveClient = clientResolver([], noWarnings);
  const isAllowedHost = hostCheck({ allowedHosts: [], ownName: 'test', isTrusted: () => false });
  const authenticator = gatewayKeyAuthenticator({
    kind: 'key',
    schemes: {},
    read: () => [],
    verify(key) {
      const principal = principalOf(key);
      return principal
        ? { state: 'valid', principal }
        : { state: 'invalid', judged: { id: KeyId(0), outcome: 'INACTIVE' } };
    },
    isConfigured: () => true,
  });
  const agent = createAgent({ ...PATIENCE, ...patience });
  const upstreams = createUpstreams(clock);
  upstreams.setConfigured(current.credentials);
  const fast = createClientApi({
    live,
    authenticateClient: createAuthenticateClient({
      live,
      authenticate: apartForPages(
        createAuthenticate([authenticator], lockout),
        createAuthenticate([authenticator], pageLockout),
      ),
      admit: createAdmit({
        consume: (_, limits) => {
          const states = limits.map((limit) => ({ ...limit, remaining: 0, resetMs: limit.windowMs }));
          return { isAllowed: limits.every(({ limit }) => limit > 1), retryAfter: 7, states };
        },
      }),
      acquire: acquire ?? (() => () => undefined),
      resolveClient,
      isAllowedHost,
    }),
    isKeyOf: (key, { principal }) => principal !== undefined && principal === principalOf(key),
    agent,
    upstreams,
    budget: budget ?? createByteBudget(),
    models: createModels(upstreams, agent, clock),
    usage: { countModel: (use) => uses.push(use), createTokenReader: () => undefined },
    requestLog,
    logger,
  });
  const application = {
    requestLog,
    resolveClient,
    fast,
    fetch: () => new Response('not of the client API', { status: 404 }),
  };
  const server = await listen(application, { host: '127.0.0.1', port: 0, isShared: false }, logger, {
    dialect: openai,
    requestMs: 0,
    answersTakeLong: true,
  });
  onTestFinished(async () => {
    await server.stop(0);
    await agent.close();
  });
  const origin = `http://127.0.0.1:${server.address.port}`;
  const send = client(origin);
  return {
    origin,
    send,
    log,
    uses,
    upstreams,
    lockout,
    /** Sends JSON with a valid key. */
    post: (path: string, body: object | string, headers: Record<string, string> = {}) =>
      send({
        method: 'POST',
        path,
        body,
        headers: { Authorization: `Bearer ${CLIENT_KEY}`, 'Content-Type': 'application/json', ...headers },
      }),
    get: (path: string) => send({ path, headers: { Authorization: `Bearer ${CLIENT_KEY}` } }),
  };
}
