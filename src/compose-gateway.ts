import { createWebSockets } from './apis/gateway/websocket.ts';
import { managementApi } from './apis/management/management-api.ts';
import { usageSummary } from './apis/management/usage-summary.ts';
import { createRecorder } from './audit/recorder.ts';
import { createManagementAuth } from './auth/by/management-secret.ts';
import { type ClientParts, composeClientApi } from './compose-client-api.ts';
import type { GatewaySettings } from './config/gateway.ts';
import type { Config } from './config.ts';
import type { Db } from './db/tables.ts';
import { createDeclaredKeys } from './declared-keys/sync.ts';
import { createGatewayControl } from './gateway-control/control.ts';
import type { LiveConfig } from './gateway-file/live.ts';
import { openLiveConfig } from './gateway-file/open.ts';
import type { GatewayControl } from './gateway-file/overview.ts';
import { type GatewayPort, prepareGatewayPort } from './gateway-port.ts';
import { openai } from './http/dialects/openai.ts';
import { sendFailure } from './http/failures.ts';
import { createRoot } from './http/root.ts';
import type { Application } from './http/server/listen.ts';
import type { BcryptPool } from './keys/bcrypt-pool.ts';
import type { Change } from './keys/change.ts';
import { createKeyRecheck } from './keys/recheck.ts';
import { type Fingerprint, type RawKey, Scope } from './lib/brand.ts';
import { createLockout, type Lockout } from './lockout/lockout.ts';
import { MANAGEMENT_BAN } from './lockout/management-ban.ts';
import { createOAuth } from './oauth/service.ts';
import type { Seal } from './pepper/seal.ts';
import { guardedLookup } from './upstreams/address-guard.ts';
import { createModelCounter, type ModelCounterParts } from './usage/model-counter.ts';
import { readUsageTotals } from './usage/model-report.ts';
import { readLargestTotals } from './usage/model-store.ts';

/** The most pairs of a key and a model that the dashboard shows. */
const MOST_SHOWN = 100;

/** What `compose.ts` has built, and the gateway uses too. */
export type CoreParts = ClientParts &
  Readonly<{
    config: Config;
    db: Db;
    bcrypt: BcryptPool;
    seal: Seal;
    counting: ModelCounterParts;
    change: Change;
    managementBans: Lockout;
    fingerprintOf: (rawKey: RawKey) => Fingerprint;
    previousFingerprintOf: ((rawKey: RawKey) => Fingerprint) | undefined;
  }>;

/** The gateway: what its port serves, and what else of it the core uses. */
export type Gateway = Readonly<{
  application: Application;
  port: GatewayPort;
  live: LiveConfig;
  /** How many WebSockets are open. */
  openSockets(): number;
  /** Refuses new WebSockets, and closes the open ones after so long. */
  stopSockets(graceMs: number): void;
  control: GatewayControl;
  close(): Promise<void>;
}>;

/**
 * Builds the parts of the gateway and connects them. Only a service with KEYHEARTH_GATEWAY_CONFIG loads this file.
 * @throws StartupError when the file of the gateway cannot be used
 */
export async function composeGateway(settings: GatewaySettings, core: CoreParts): Promise<Gateway> {
  const parts = new AsyncDisposableStack();
  try {
    return { ...(await build(settings, core, parts)), close: () => parts.disposeAsync() };
  } catch (error) {
    // The first error is the reason.
    await parts.disposeAsync().catch(() => undefined);
    throw error;
  }
}

/** @param parts closes the parts that need it, in the reverse of the order in which they were built */
async function build(
  settings: GatewaySettings,
  core: CoreParts,
  parts: AsyncDisposableStack,
): Promise<Omit<Gateway, 'close'>> {
  const { logger, clock, memory, requestLog, resolveClient, db, bcrypt, seal } = core;
  // 1. The file, and the keys that it declares.
  const { fingerprintOf, previousFingerprintOf } = core;
  const declared = createDeclaredKeys({ db, fingerprintOf, previousFingerprintOf, clock });
  const live = parts.adopt(
    await openLiveConfig({
      path: settings.file,
      hash: (input) => bcrypt.hash({ client: undefined, input }),
      sync: (keys, isCurrent) => declared.sync(settings.name, keys, isCurrent),
      hadKeys: () => declared.hasKeys(settings.name),
      memory: memory.gatewayFile,
      ...{ logger, clock },
    }),
    ({ close }) => close(),
  );
  const port = parts.adopt(await prepareGatewayPort(live, settings.file, memory, logger), ({ close }) =>
    close(),
  );

  const models = parts.adopt(createModelCounter(core.counting), ({ close }) => close());

  // 2. The client API: a handler that takes the paths of the model providers, and WebSockets.
  const { fast, upstreams, authenticateClient, budget } = composeClientApi(
    settings,
    live,
    { ...core, models },
    parts,
  );
  const webSockets = parts.adopt(
    createWebSockets({
      ...{ live, authenticateClient, upstreams, budget, requestLog, logger },
      limits: { ...settings, lookup: guardedLookup() },
      findInvalid: createKeyRecheck(db, clock, [Scope('gateway:use')]),
    }),
    ({ close }) => close(),
  );

  // 3. The management API, and the answer to every other path.
  const oauth = parts.adopt(
    createOAuth({
      ...{ db, clock, seal, live, logger, setTokens: upstreams.setTokens },
      said: memory.gatewayNews.authFiles,
    }),
    ({ close }) => close(),
  );
  await oauth.begin();
  const auth = createManagementAuth({
    inFile: () => live.current().management,
    password: settings.managementPassword,
    localPassword: settings.localPassword,
    bcrypt,
    lockout: core.managementBans,
    pageLockout: createLockout(MANAGEMENT_BAN, clock, memory.pageBans),
  });
  const record = createRecorder(db, clock);
  const readUsage = async () => {
    await models.flush();
    return usageSummary(await readUsageTotals(db));
  };
  const root = createRoot(logger, requestLog, resolveClient);
  root.route('/', managementApi({ live, oauth, auth, record, usageSummary: readUsage }));
  root.all('*', (c) => {
    c.set('dialect', openai);
    return sendFailure(c, { code: 'not_found' });
  });

  const { name } = settings;
  const usage = async () => {
    await models.flush();
    return readLargestTotals(db, MOST_SHOWN);
  };
  return {
    live,
    control: createGatewayControl({ name, live, upstreams, oauth, usage, clock, change: core.change }),
    port,
    application: { requestLog, resolveClient, fast, fetch: root.fetch, upgrade: webSockets.upgrade },
    openSockets: webSockets.openSockets,
    stopSockets: webSockets.stop,
  };
}
