import { z } from 'zod';
import { integer, type Values } from './fields.ts';

export const lockoutVariables = {
  KEYHEARTH_LOCKOUT_ATTEMPTS: integer(0, 100).prefault('5').meta({
    description: 'The number of failed attempts that lock an address out. 0 switches the lockout off.',
  }),
  KEYHEARTH_LOCKOUT_SECONDS: integer(1, 86_400).prefault('300').meta({
    description: 'The number of seconds for which a failed attempt counts, and for which a lockout lasts.',
  }),
  KEYHEARTH_LOCKOUT_BY: z
    .enum(['address', 'address+key'], { error: 'must be address or address+key' })
    .default('address')
    .meta({
      description:
        'What the lockout counts. With `address`, each failed attempt counts. Use `address+key` when many clients share one address. See [Understand the lockout](lockout.md).',
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
