import { z } from '@hono/zod-openapi';
import { foldEmail } from '../../accounts/account.ts';
import { lockoutKeyOf } from '../../http/client-address.ts';
import { isVersion4, parseNetwork } from '../../lib/network.ts';
import { LOCKOUT_KINDS } from '../../lockout/wire.ts';
import { EmailSchema } from './account-schemas.ts';

const IPV4_BITS = 32;
const IPV6_BITS = 128;
const IPV6_NETWORK_BITS = 64;

/** What the lockout calls a client whose connection has no address. */
const UNKNOWN = 'unknown';

/** The name that the lockout has for an address, or for the /64 network of IPv6 addresses; undefined for any other text. */
function lockoutKeyIn(text: string): string | undefined {
  if (text === UNKNOWN) return text;
  const network = parseNetwork(text);
  if (!network) return undefined;
  const { address, prefix } = network;
  const isOne = isVersion4(address)
    ? prefix === IPV4_BITS
    : prefix === IPV6_BITS || prefix === IPV6_NETWORK_BITS;
  return isOne ? lockoutKeyOf(address) : undefined;
}

/** The same for an e-mail address, which failed sign-ins can lock. */
const nameIn = (text: string) => (EmailSchema.safeParse(text).success ? foldEmail(text) : lockoutKeyIn(text));

const isLockoutKey = (text: string) => nameIn(text) !== undefined;

export const LockoutParamsSchema = z.object({
  address: z
    .string()
    .refine(isLockoutKey, {
      error:
        'must be an IPv4 address, an IPv6 address or its /64 network, or an e-mail address, as in GET /auth/lockouts',
    })
    .transform((text) => nameIn(text) ?? text)
    .openapi({
      param: {
        name: 'address',
        in: 'path',
        description:
          'An `address` of `GET /auth/lockouts`, percent-encoded. An IPv6 address stands for its /64 network',
      },
      example: '198.51.100.7',
    }),
});

export const LockoutsSchema = z
  .object({
    lockouts: z
      .array(
        z
          .object({
            kind: z.enum(LOCKOUT_KINDS).openapi({
              description:
                'What failed: requests with invalid keys (`api_key`), sign-ins from an address (`sign_in_address`) or for an e-mail address (`sign_in_email`), or requests to the management API of the gateway (`management`)',
            }),
            address: z.string().openapi({
              description:
                'An IPv4 address, or the /64 network of an IPv6 address. For `sign_in_email`, the e-mail address',
              example: '198.51.100.7',
            }),
            failures: z.int().openapi({ description: 'The failed attempts that count now', example: 5 }),
            locked_until: z.int().nullable().openapi({
              description:
                'When the lockout ends, in seconds since 1970. `null`: the address is not locked out',
              example: 1712345978,
            }),
          })
          .openapi('Lockout'),
      )
      .openapi({
        description:
          'The locked addresses, then the addresses with failed attempts that count. At most 1,000',
      }),
  })
  .openapi('Lockouts');
