import { createPasswordReset, type PasswordReset } from '../accounts/password-reset.ts';
import { createPasswords } from '../accounts/passwords.ts';
import { createBcryptPool } from '../keys/bcrypt-pool.ts';
import { systemClock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import type { Context } from './context.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { offline } from './offline.ts';

/** @throws CommandError when no account has this e-mail address */
export const resetPassword = (context: Context, email: string): Promise<PasswordReset> =>
  offline(context, async ({ config, logger, storage: { db } }) => {
    const onThreadError = (err: unknown) => logger.error({ err }, 'a hashing thread failed');
    const bcrypt = createBcryptPool(config.bcryptCost, 1, onThreadError);
    try {
      const reset = createPasswordReset({ db, clock: systemClock, passwords: createPasswords(bcrypt) });
      return await reset(email);
    } catch (error) {
      if (!(error instanceof DomainError) || error.failure.code !== 'account_not_found') throw error;
      throw new CommandError(`There is no account with the e-mail address ${email}.`, EXIT.notFound);
    } finally {
      await bcrypt.close();
    }
  });
