import { createManagingKey } from '../bootstrap/managing-key.ts';
import { createBcryptPool } from '../keys/bcrypt-pool.ts';
import { fingerprinter } from '../keys/digests.ts';
import { systemClock } from '../lib/clock.ts';
import type { Context } from './context.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { offline } from './offline.ts';

/** @throws CommandError when no first key was ever registered */
export const recoverKey = (context: Context, label: string) =>
  offline(context, async ({ config, logger, storage: { db, pepper } }) => {
    const onThreadError = (err: unknown) => logger.error({ err }, 'a hashing thread failed');
    const bcrypt = createBcryptPool(config.bcryptCost, 1, onThreadError);
    try {
      const parts = { db, clock: systemClock, fingerprintOf: fingerprinter(pepper), bcrypt };
      const made = await createManagingKey(parts)(label);
      if (made) return made;
      throw new CommandError(
        'No first key was ever registered; start Keyhearth and register one, as docs/first-key.md says.',
        EXIT.conflict,
      );
    } finally {
      await bcrypt.close();
    }
  });
