import { availableParallelism } from 'node:os';
import { createApp } from './app.ts';
import { createBootstrapService } from './bootstrap/service.ts';
import type { Config } from './config.ts';
import { clientResolver } from './http/client-address.ts';
import { createGuard } from './http/guard.ts';
import { createBcryptPool } from './keys/bcrypt-pool.ts';
import { createKeyService } from './keys/service.ts';
import { createUseCounter } from './keys/uses.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { DomainError } from './lib/errors.ts';
import type { Logger } from './lib/logger.ts';
import { createLockout, lockoutMemory } from './lockout/lockout.ts';
import type { LockoutMemory } from './lockout/shared-table.ts';
import { openStorage } from './storage.ts';
import { forwardAuth } from './verify/forward-auth.ts';
import { createVerifyService } from './verify/service.ts';

export type Keyhearth = Awaited<ReturnType<typeof compose>>;

/**
 * Builds every concrete part from the configuration and wires them.
 * @param memory what counts failed attempts, where other threads count in the same
 * @throws StartupError when the data directory, the pepper or the database is not fit to serve with.
 */
export async function compose(
  config: Config,
  logger: Logger,
  clock: Clock = systemClock,
  memory: LockoutMemory = lockoutMemory(config.lockout),
) {
  const { db, equipment, pepper, noteClaim } = await openStorage(config, logger);
  const { reader, background, bulletin } = equipment;
  const bcrypt = createBcryptPool(config.bcryptCost, hashingThreads(config.workers), (err) =>
    logger.error({ err }, 'a hashing thread failed'),
  );
  const uses = createUseCounter(db, background, (err) => {
    // That the database is away or busy is told by whoever notices it; its own failures have a cause.
    const isExpected = err instanceof DomainError && err.cause === undefined;
    if (!isExpected) logger.warn({ err }, 'uses of keys could not be written yet');
  });
  const keys = createKeyService({ db, reader, pepper, bcrypt, uses, clock });
  const onClaimed = () => {
    try {
      noteClaim();
    } catch (err) {
      logger.warn({ err }, 'the first key is registered, but that could not be noted beside the pepper');
    }
  };
  const bootstrap = createBootstrapService({
    db,
    reader,
    keys,
    clock,
    token: config.bootstrapToken,
    onClaimed,
  });
  const lockout = createLockout(config.lockout, clock, memory, bulletin);
  const guard = createGuard(lockout, keys);
  const resolveClient = clientResolver(config.trustedProxies, config.lockout.attempts > 0);
  const app = createApp({
    logger,
    resolveClient,
    ping: bootstrap.look,
    guard,
    bootstrap,
    keys,
    verify: createVerifyService(keys, lockout),
  });
  return {
    app,
    front: forwardAuth(guard, resolveClient, logger),
    fetch: app.fetch,
    bootstrapOpen: await bootstrap.isOpen(),
    /** Writes what is still in memory and closes the database. */
    async close(): Promise<void> {
      await uses.close();
      await bcrypt.close();
      await equipment.close();
      await db.destroy();
    },
  };
}

/** Between them the workers leave one core to those who answer requests. */
const hashingThreads = (workers: number) => Math.max(1, Math.floor((availableParallelism() - 1) / workers));
