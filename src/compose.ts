import { createApp } from './app.ts';
import { createBootstrapService } from './bootstrap/service.ts';
import { isClaimed } from './bootstrap/store.ts';
import type { Config } from './config.ts';
import { clientResolver } from './http/client-address.ts';
import { createBcryptPool } from './keys/bcrypt-pool.ts';
import { createLastUsed } from './keys/last-used.ts';
import { createKeyService } from './keys/service.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';
import { createLockout } from './lockout/lockout.ts';
import { openStorage } from './storage.ts';
import { createVerifyService } from './verify/service.ts';

export type Keyhearth = Awaited<ReturnType<typeof compose>>;

/**
 * Builds every concrete part from the configuration and wires them.
 * @throws StartupError when the data directory, the pepper or the database is not fit to serve with.
 */
export async function compose(config: Config, logger: Logger, clock: Clock = systemClock) {
  const { db, pepper, noteClaim } = await openStorage(config);
  const bcrypt = createBcryptPool(config.bcryptCost, (err) =>
    logger.error({ err }, 'a hashing thread failed'),
  );
  const lastUsed = createLastUsed(db, (err) =>
    logger.warn({ err }, 'last-used times could not be written yet'),
  );
  const keys = createKeyService({ db, pepper, bcrypt, lastUsed, clock });
  const onClaimed = () => {
    try {
      noteClaim();
    } catch (err) {
      logger.warn({ err }, 'the first key is registered, but that could not be noted beside the pepper');
    }
  };
  const bootstrap = createBootstrapService({ db, keys, clock, token: config.bootstrapToken, onClaimed });
  const lockout = createLockout(config.lockout, clock);
  const app = createApp({
    logger,
    resolveClient: clientResolver(config.trustedProxies, config.lockout.attempts > 0),
    ping: () => isClaimed(db),
    lockout,
    bootstrap,
    keys,
    verify: createVerifyService(keys, lockout),
  });
  return {
    app,
    bootstrapOpen: await bootstrap.isOpen(),
    /** Writes what is still in memory and closes the database. */
    async close(): Promise<void> {
      await lastUsed.close();
      await bcrypt.close();
      await db.destroy();
    },
  };
}
