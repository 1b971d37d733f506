import { apartForPages } from './apis/gateway/apart-for-pages.ts';
import { type AuthenticateClient, createAuthenticateClient } from './apis/gateway/authenticate-client.ts';
import { type ByteBudget, createByteBudget } from './apis/gateway/byte-budget.ts';
import { createClientApi } from './apis/gateway/client-api.ts';
import type { Admit } from './auth/admit.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import { apiKeyAuthenticator } from './auth/by/api-key.ts';
import { gatewayKeyAuthenticator } from './auth/by/gateway-key.ts';
import { countingRefusals, type Usage } from './auth/count-outcome.ts';
import type { Config } from './config.ts';
import type { LiveConfig } from './gateway-file/live.ts';
import type { HostCheck } from './http/allowed-host.ts';
import type { ResolveClient } from './http/client-address.ts';
import type { RequestLog } from './http/request-log.ts';
import type { Application } from './http/server/listen.ts';
import type { KeyLookup } from './keys/lookup.ts';
import type { Clock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';
import { andThen } from './lib/maybe-promise.ts';
import { openConcurrency } from './limits/concurrency.ts';
import { createLockout, type Lockout } from './lockout/lockout.ts';
import type { SharedMemory } from './shared-memory.ts';
import { createAgent, type Patience } from './upstreams/agent.ts';
import { createModels } from './upstreams/models.ts';
import { createUpstreams, type Upstreams } from './upstreams/upstreams.ts';

import type { ModelCounter } from './usage/model-counter.ts';
import { createTokenReader } from './usage/tokens.ts';

/** What `compose.ts` has built, and the client API uses too. */
export type ClientParts = Readonly<{
  clock: Clock;
  logger: Logger;
  requestLog: RequestLog;
  resolveClient: ResolveClient;
  isAllowedHost: HostCheck;
  keyLookup: KeyLookup;
  lockout: Lockout;
  config: Pick<Config, 'lockout'>;
  admit: Admit;
  usage: Usage;
  memory: SharedMemory;
}>;

/** The API of the gateway for clients, and what WebSockets and the dashboard share with it. */
export type ClientApi = Readonly<{
  fast: Application['fast'];
  authenticateClient: AuthenticateClient;
  upstreams: Upstreams;
  budget: ByteBudget;
}>;

/** Builds the API of the gateway for clients, and the upstreams behind it. */
export function composeClientApi(
  patience: Patience,
  live: LiveConfig,
  core: ClientParts & Readonly<{ models: ModelCounter }>,
  parts: AsyncDisposableStack,
): ClientApi {
  const { clock, keyLookup, lockout, usage } = core;
  const agent = parts.adopt(createAgent(patience), ({ close }) => close());
  const upstreams = createUpstreams(clock);
  upstreams.setConfigured(live.current().credentials);
  live.onChange(({ credentials }) => upstreams.setConfigured(credentials));
  const concurrency = openConcurrency(core.memory.concurrency);
  const authenticator = gatewayKeyAuthenticator(apiKeyAuthenticator(keyLookup));
  const pageLockout = createLockout(core.config.lockout, clock, core.memory.pageLockout);
  const authenticateClient = createAuthenticateClient({
    ...core,
    live,
    authenticate: countingRefusals(
      apartForPages(
        createAuthenticate([authenticator], lockout),
        createAuthenticate([authenticator], pageLockout),
      ),
      usage,
    ),
    acquire: ({ rootId, maxConcurrent }) =>
      concurrency.acquire(rootId, maxConcurrent) ?? {
        ...{ code: 'too_many_concurrent', limit: maxConcurrent ?? 0, retryAfter: 1 },
      },
  });
  const budget = createByteBudget();
  const fast = createClientApi({
    ...core,
    budget,
    ...{ live, authenticateClient, agent, upstreams, models: createModels(upstreams, agent, clock) },
    isKeyOf: (rawKey, { principal, client }) =>
      andThen(keyLookup.lookUp(rawKey, client.ip), (found) =>
        found.code === 'VALID' ? found.key.id === principal?.id : false,
      ),
    usage: { countModel: core.models.countModel, createTokenReader },
  });
  return { fast, authenticateClient, upstreams, budget };
}
