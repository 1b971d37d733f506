import { z } from '@hono/zod-openapi';
import type { Introspection } from '../../auth/introspect.ts';
import { RawKey } from '../../lib/brand.ts';
import { parseAddress } from '../../lib/network.ts';
import { EXAMPLE_KEY, KeySchema, presentKey } from './key-schemas.ts';

const EXAMPLE_ADDRESS = '198.51.100.7';
const MAX_KEYS = 100;
const MAX_PRESENTED = 4_096;

export const VerifiedSchema = z
  .object({
    valid: z
      .literal(true)
      .openapi({ description: 'Always `true`. For an invalid key, the answer is an error' }),
    key: z
      .object({
        id: z.int().openapi({ description: 'The id of the key', example: 2 }),
        label: z.string().openapi({ description: 'The label of the key', example: 'backup-server' }),
      })
      .openapi({ description: 'The valid key' }),
  })
  .openapi('Verified');

export const VerifyQuerySchema = z.looseObject({
  deny: z
    .literal('403', { error: 'must be 403' })
    .optional()
    .openapi({
      param: {
        name: 'deny',
        in: 'query',
        description: 'With the value 403, each error except 401 has the status 403, because nginx needs that',
      },
    }),
});

const RawKeySchema = z
  .string({ error: 'must be a string' })
  .max(MAX_PRESENTED, { error: `must be at most ${MAX_PRESENTED} characters` })
  .transform(RawKey)
  .openapi({
    description: 'The raw key that a client sent to your service',
    example: EXAMPLE_KEY,
  });

const ip = z
  .string({ error: 'must be a string' })
  .refine((text) => parseAddress(text) !== undefined && !text.includes('%'), {
    error: 'must be an IPv4 or IPv6 address without a zone',
  })
  .optional()
  .openapi({
    description: 'The address of your client. Invalid keys count as its failed attempts',
    example: EXAMPLE_ADDRESS,
  });

export const IntrospectSchema = z
  .strictObject({
    key: RawKeySchema.optional(),
    keys: z
      .array(RawKeySchema)
      .min(1, { error: 'must have at least one entry' })
      .max(MAX_KEYS, { error: `must have at most ${MAX_KEYS} entries` })
      .optional()
      .openapi({ description: `Up to ${MAX_KEYS} raw keys, in place of \`key\`` }),
    ip,
  })
  .refine(({ key, keys }) => (key === undefined) !== (keys === undefined), {
    path: ['key'],
    error: 'Either key or keys is required, and not both.',
  })
  // Only one of key and keys may be there, and a reader of the document would fill in both.
  .openapi('Introspect', { example: { key: EXAMPLE_KEY, ip: EXAMPLE_ADDRESS } });

const valid = z.literal(true).openapi({ description: 'The key is valid' });
const invalid = z.literal(false).openapi({ description: 'The key is invalid, or its check was refused' });

/** One of the possible results. */
const result = <Code extends string>(code: Code, description: string) =>
  z.literal(code).openapi({ description });

export const IntrospectionSchema = z
  .discriminatedUnion('code', [
    z.object({ valid, code: result('VALID', 'The key is valid'), key: KeySchema }).openapi('ValidKey'),
    z
      .object({ valid: invalid, code: result('INACTIVE', 'The key is inactive'), key: KeySchema })
      .openapi('InactiveKey'),
    z.object({ valid: invalid, code: result('NOT_FOUND', 'The key does not exist') }).openapi('UnknownKey'),
    z
      .object({
        valid: invalid,
        code: result('LOCKED', 'The address in `ip` is locked out'),
        retry_after: z.int().openapi({ description: 'Seconds until the lockout ends' }),
      })
      .openapi('LockedAddress'),
  ])
  .openapi('Introspection');

export const IntrospectionsSchema = z
  .object({
    results: z
      .array(IntrospectionSchema)
      .openapi({ description: 'One result for each key, in the order of the request' }),
  })
  .openapi('Introspections');

export function presentIntrospection(introspection: Introspection): z.infer<typeof IntrospectionSchema> {
  switch (introspection.code) {
    case 'VALID':
      return { valid: true, code: 'VALID', key: presentKey(introspection.key) };
    case 'INACTIVE':
      return { valid: false, code: 'INACTIVE', key: presentKey(introspection.key) };
    case 'NOT_FOUND':
      return { valid: false, code: 'NOT_FOUND' };
    case 'LOCKED':
      return { valid: false, code: 'LOCKED', retry_after: introspection.retryAfter };
  }
}
