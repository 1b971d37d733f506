import { hostname } from 'node:os';
import { createPeople, twoFactorRule } from './accounts/people.ts';
import { authenticatorsOf } from './apis/authenticators.ts';
import { fastVerify } from './apis/core/fast-verify.ts';
import { createApp } from './app.ts';
import { createAuditLog } from './audit/log.ts';
import { createAuditUpkeep } from './audit/upkeep.ts';
import { createAdmit } from './auth/admit.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import { apiKeyAuthenticator } from './auth/by/api-key.ts';
import { countingAdmit, countingRefusals } from './auth/count-outcome.ts';
import { createIntrospect } from './auth/introspect.ts';
import { revalidator } from './auth/revalidate.ts';
import { createBootstrapService } from './bootstrap/service.ts';
import { composePepper } from './compose-pepper.ts';
import { composeProver } from './compose-prover.ts';
import { composeRequestLog } from './compose-request-log.ts';
import type { Config } from './config.ts';
import { databaseCheck } from './db/health.ts';
import { hostCheck } from './http/allowed-host.ts';
import { clientResolver, trustedPeer } from './http/client-address.ts';
import { createProxyWarnings } from './http/proxy-warnings.ts';
import { createSessionCookies } from './http/session-cookie.ts';
import { createAudience } from './keys/audience.ts';
import { createBcryptPool } from './keys/bcrypt-pool.ts';
import { createChange } from './keys/change.ts';
import { createExpirySweeper } from './keys/expiry-sweeper.ts';
import { hashingThreads, startHashingThreads } from './keys/hashing-threads.ts';
import { generateRawKey } from './keys/key-format.ts';
import { createKeyListing } from './keys/listing.ts';
import { createKeyLookup } from './keys/lookup.ts';
import { createKeyService } from './keys/service.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';
import { onUnwritten } from './lib/unwritten.ts';
import { openLimiter } from './limits/open-limiter.ts';
import { createLockout } from './lockout/lockout.ts';
import { createManagementBans } from './lockout/management-ban.ts';
import { createLockoutService } from './lockout/service.ts';
import { lockedIncident } from './lockout/wire.ts';
import { openInstruments } from './metrics/instruments.ts';
import { lockoutsNow, type SharedMemory, sharedMemory } from './shared-memory.ts';
import { openStorage } from './storage.ts';
import { createUsageCounter } from './usage/counter.ts';
import { createUsageReport } from './usage/report.ts';
import { createUsageUpkeep } from './usage/upkeep.ts';

export type Keyhearth = Awaited<ReturnType<typeof compose>>;

/**
 * Builds all parts from the configuration and connects them. When one fails, the earlier ones are closed.
 * @param memory what it shares with the other threads that serve
 * @throws StartupError when the data directory, the pepper or the database cannot be used
 */
export async function compose(
  config: Config,
  logger: Logger,
  clock: Clock = systemClock,
  memory: SharedMemory = sharedMemory(config),
  startThreads = startHashingThreads,
) {
  const parts = new AsyncDisposableStack();
  try {
    const keyhearth = await build(config, logger, clock, memory, startThreads, parts);
    return { ...keyhearth, close: () => parts.disposeAsync() };
  } catch (error) {
    // The first error is the reason.
    await parts.disposeAsync().catch(() => undefined);
    throw error;
  }
}

/** @param parts closes the parts that need it, in the reverse of the order in which they were built */
async function build(
  config: Config,
  logger: Logger,
  clock: Clock,
  memory: SharedMemory,
  startThreads: typeof startHashingThreads,
  parts: AsyncDisposableStack,
) {
  const storage = parts.adopt(await openStorage(config, logger, memory.database), ({ close }) => close());
  const lockouts = () => lockoutsNow(memory, clock.monotonic());
  const metrics = parts.adopt(openInstruments(memory.metrics, { lockouts }), ({ close }) => close());
  const { db, services } = metrics.database(storage);
  const { reader, slowReader, backgroundWriter, notifier } = services;
  const onThreadError = (err: unknown) => logger.error({ err }, 'a hashing thread failed');
  const bcrypt = parts.adopt(
    createBcryptPool(config.bcryptCost, hashingThreads(config.workers), onThreadError, startThreads),
    ({ close }) => close(),
  );
  const { usageDays } = config;
  const counting = {
    ...{ db, writer: backgroundWriter, clock, keepsHours: usageDays > 0 },
    onError: onUnwritten(logger, 'usage counts could not be written yet'),
  };
  const usage = metrics.verifications(parts.adopt(createUsageCounter(counting), ({ close }) => close()));
  parts.adopt(createUsageUpkeep({ ...counting, days: usageDays }), ({ close }) => close());
  const onError = onUnwritten(logger, 'expired keys could not be marked yet');
  parts.adopt(createExpirySweeper({ ...counting, onError }), ({ close }) => close());
  const audit = parts.adopt(
    createAuditUpkeep({
      ...counting,
      days: config.auditDays,
      memory: memory.audit,
      onError: onUnwritten(logger, 'audit events could not be written or deleted yet'),
    }),
    ({ close }) => close(),
  );
  metrics.measure({ bcrypt, usage, audit });
  if (config.webhook) {
    const { openWebhooks } = await import('./webhooks/webhooks.ts');
    parts.adopt(openWebhooks({ ...config.webhook, db, clock, logger }), ({ close }) => close());
  }
  const onUnsaved = onUnwritten(logger, 'the windows of rate limits could not be written yet');
  const limiter = parts.adopt(
    await openLimiter({ ...services, db, clock, memory: memory.limits, onError: onUnsaved }),
    ({ close }) => close(),
  );

  const onUnmoved = onUnwritten(logger, 'keys could not be moved to the new pepper yet');
  const ofPepper = { ...storage, db, writer: backgroundWriter, logger, onError: onUnmoved };
  const { fingerprintOf, previousFingerprintOf, pepperMove, seal } = await composePepper(ofPepper, parts);
  const ofProver = {
    ...{ db, clock, fingerprintOf, previousFingerprintOf, bcrypt, logger },
    writer: backgroundWriter,
  };
  const keyLookup = createKeyLookup({
    ...{ db, reader, fingerprintOf, clock, pepperMove },
    ...composeProver({ ...ofProver, onThreadError, startThreads, workers: config.workers }, parts),
    onLookUp: metrics.onLookUp,
  });
  const { lookUp } = keyLookup;
  const lacksTwoFactor = twoFactorRule(config.requiresTwoFactor);
  const revalidate = revalidator({ clock, lacksTwoFactor });
  const change = createChange({ db, clock, revalidate });
  const keys = createKeyService({ db, fingerprintOf, bcrypt, clock, revalidate, limiter });
  const bootstrap = createBootstrapService({
    ...{ db, reader, keys, clock },
    token: config.bootstrapToken,
    onClaimed: storage.markClaimed,
    onRefused: audit.record,
    onWeakKey: (weakness) =>
      logger.warn(
        `the first key is weak, because it is ${weakness}: create another key, and delete this one`,
      ),
  });

  const lockout = createLockout(config.lockout, clock, memory.lockout, notifier, (entry) =>
    audit.record(lockedIncident({ ...entry, kind: 'api_key' })),
  );
  const managementBans = createManagementBans(clock, memory.managementBans, notifier, audit.record);
  const resolveClient = clientResolver(config.trustedProxies, createProxyWarnings(logger));
  const isTrusted = trustedPeer(config.trustedProxies);
  const isAllowedHost = hostCheck({
    allowedHosts: config.allowedHosts,
    ownName: hostname(),
    isTrusted,
  });
  const keyAuthenticator = apiKeyAuthenticator(keyLookup);
  const authenticateKey = createAuthenticate([keyAuthenticator], lockout);
  const people = createPeople({
    ...{ db, reader, writer: backgroundWriter, bcrypt, fingerprintOf, clock, revalidate, change, bootstrap },
    ...{ seal, previousFingerprintOf, sessionMs: config.sessionMs, lacksTwoFactor, onIncident: audit.record },
    ...{ memory: memory.signIns, notifier, registrationIsOpen: config.registrationIsOpen },
    onUnrenewed: onUnwritten(logger, 'the expiry of a session could not be written yet'),
  });
  const log = await composeRequestLog(config, logger, parts);
  const requestLog = metrics.requests('core', log);
  const countedAdmit = countingAdmit(createAdmit(limiter), usage);
  const gateway =
    config.gateway &&
    parts.adopt(
      await (await import('./compose-gateway.ts')).composeGateway(config.gateway, {
        ...{ config, logger, clock, memory, resolveClient, db, bcrypt, seal, change },
        ...{
          counting,
          managementBans,
          isAllowedHost,
          keyLookup,
          fingerprintOf,
          previousFingerprintOf,
          lockout,
          usage,
        },
        admit: countedAdmit,
        requestLog: metrics.requests('gateway', log),
      }),
      ({ close }) => close(),
    );
  if (gateway) metrics.openSockets(gateway.openSockets);
  let isStopping = false;
  const [bootstrapOpen, needsSetup] = await Promise.all([bootstrap.isOpen(), people.setup.needsSetup()]);
  const app = createApp({
    logger,
    requestLog,
    lockout,
    resolveClient,
    isAllowedHost,
    ...people,
    ...authenticatorsOf(keyLookup, people, config),
    authenticateKey,
    cookies: createSessionCookies({ maxAgeSeconds: config.sessionMs / 1_000, isTrusted }),
    bootstrap,
    keys,
    listing: createKeyListing({ db, slowReader, clock }),
    usage,
    usageReport: createUsageReport(db, slowReader, clock),
    admit: countedAdmit,
    introspect: createIntrospect({ lookUp, usage, lockout, limiter }),
    auditLog: createAuditLog(db),
    audienceOf: createAudience(db, revalidate),
    lockouts: createLockoutService(
      { ...people.signInLockouts, api_key: lockout, management: managementBans },
      change,
    ),
    assertStillValid: (actor) => revalidate(db, actor, 'keys:verify'),
    clock,
    checkDatabase: databaseCheck(db, services, () => lookUp(generateRawKey(), undefined)),
    isStopping: () => isStopping,
    renderMetrics: metrics.render,
    gateway: gateway?.control,
    gatewayFile: gateway?.live,
  });
  return {
    app,
    fast: fastVerify(
      countingRefusals(authenticateKey, usage),
      countedAdmit,
      resolveClient,
      isAllowedHost,
      logger,
      requestLog,
    ),
    requestLog,
    resolveClient,
    fetch: app.fetch,
    gateway,
    renderMetrics: metrics.render,
    bootstrapOpen,
    needsSetup,
    /** From now on, the service is not ready. */
    beginStop(): void {
      isStopping = true;
    },
  };
}
