import { z } from '@hono/zod-openapi';
import { lockoutKeyOf } from '../../http/client-address.ts';
import { isVersion4, parseNetwork } from '../../lib/network.ts';

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

const isLockoutKey = (text: string) => lockoutKeyIn(text) !== undefined;

export const LockoutParamsSchema = z.object({
  address: z
    .string()
    .refine(isLockoutKey, {
      error: 'must be an IPv4 address, an IPv6 address or its /64 network, as in GET /auth/lockouts',
    })
    .transform((text) => lockoutKeyIn(text) ?? text)
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
            address: z.string().openapi({
              description: 'An IPv4 address, or the /64 network of an IPv6 address',
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
