import { z } from 'zod';
import { integer, type Values } from './fields.ts';

export const lockoutVariables = {
  KEYHEARTH_LOCKOUT_ATTEMPTS: integer(0, 100)
    .prefault('5')
    .meta({ description: 'failed attempts that lock an address out; 0 switches the lockout off' }),
  KEYHEARTH_LOCKOUT_SECONDS: integer(1, 86_400)
    .prefault('300')
    .meta({ description: 'seconds that failures count for, and that a lockout lasts' }),
  KEYHEARTH_LOCKOUT_BY: z
    .enum(['address', 'address+key'], { error: 'must be address or address+key' })
    .default('address')
    .meta({
      description:
        '`address`: each failed attempt counts. `address+key`: the same wrong key from one address counts once, and a key that was valid from that address within the last day passes although the address is locked out',
    }),
};

export type LockoutConfig = Readonly<{
  lockout: Readonly<{ attempts: number; seconds: number; by: 'address' | 'address+key' }>;
}>;

export const lockoutConfig = (env: Values<typeof lockoutVariables>): LockoutConfig => ({
  lockout: {
    attempts: env.KEYHEARTH_LOCKOUT_ATTEMPTS,
    seconds: env.KEYHEARTH_LOCKOUT_SECONDS,
    by: env.KEYHEARTH_LOCKOUT_BY,
  },
});
