import { z } from 'zod';
import { integer, type Values } from './fields.ts';

const MS_PER_DAY = 86_400_000;

export const accountVariables = {
  KEYHEARTH_SESSION_DAYS: integer(1, 3_650).prefault('30').meta({
    description: 'How many days a session lasts after its last use. See [Sign in](accounts.md).',
  }),
  KEYHEARTH_REGISTRATION: z
    .enum(['closed', 'open'], { error: 'must be closed or open' })
    .default('closed')
    .meta({
      description:
        '`open` lets people register themselves. Their keys work only at the ProxyHat API until an admin approves the account. See [Sign in](accounts.md).',
    }),
  KEYHEARTH_REQUIRE_2FA: z
    .enum(['off', 'admins', 'all'], { error: 'must be off, admins or all' })
    .default('off')
    .meta({
      description:
        'The accounts that must have [two-factor authentication](two-factor.md): `off` (none), `admins` or `all`.',
    }),
  KEYHEARTH_QUERY_KEYS: z.enum(['off', 'on'], { error: 'must be off or on' }).default('off').meta({
    description:
      '`on` lets clients of the ProxyOS API send a key as `?apiKey=`. This is less secure, because proxies log URLs.',
  }),
};

export type AccountConfig = Readonly<{
  sessionMs: number;
  registrationIsOpen: boolean;
  requiresTwoFactor: 'off' | 'admins' | 'all';
  allowsQueryKeys: boolean;
}>;

export const accountConfig = (env: Values<typeof accountVariables>): AccountConfig => ({
  sessionMs: env.KEYHEARTH_SESSION_DAYS * MS_PER_DAY,
  registrationIsOpen: env.KEYHEARTH_REGISTRATION === 'open',
  requiresTwoFactor: env.KEYHEARTH_REQUIRE_2FA,
  allowsQueryKeys: env.KEYHEARTH_QUERY_KEYS === 'on',
});
