import { z } from '@hono/zod-openapi';
import type { Introspection } from '../../auth/introspect.ts';
import { parseAddress } from '../../http/client-address.ts';
import { RawKey } from '../../lib/brand.ts';
import { KeySchema, presentKey } from './key-schemas.ts';

const MAX_KEYS = 100;
const MAX_PRESENTED = 4_096;

export const VerifiedSchema = z
  .object({
    valid: z.literal(true),
    key: z.object({
      id: z.int().openapi({ example: 2 }),
      label: z.string().openapi({ example: 'backup-server' }),
    }),
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
        description: '403: answer every refusal but 401 with 403, for nginx',
      },
    }),
});

const RawKeySchema = z
  .string({ error: 'must be a string' })
  .max(MAX_PRESENTED, { error: `must be at most ${MAX_PRESENTED} characters` })
  .transform(RawKey)
  .openapi({
    description: 'The raw key as it was presented',
    example: 'kh_EXAMPLEexampleEXAMPLEexampleEXAMPLEexampleEXAMPLEexampl000000',
  });

const ip = z
  .string({ error: 'must be a string' })
  .refine((text) => parseAddress(text) !== undefined && !text.includes('%'), {
    error: 'must be an IPv4 or IPv6 address without a zone',
  })
  .optional()
  .openapi({ description: "The end user's address: wrong keys count against it", example: '198.51.100.7' });

export const IntrospectSchema = z
  .strictObject({
    key: RawKeySchema.optional(),
    keys: z
      .array(RawKeySchema)
      .min(1, { error: 'must hold a key' })
      .max(MAX_KEYS, { error: `must be at most ${MAX_KEYS} keys` })
      .optional(),
    ip,
  })
  .refine(({ key, keys }) => (key === undefined) !== (keys === undefined), {
    path: ['key'],
    error: 'Either key or keys is required, and not both.',
  })
  .openapi('Introspect');

export const IntrospectionSchema = z
  .discriminatedUnion('code', [
    z.object({ valid: z.literal(true), code: z.literal('VALID'), key: KeySchema }).openapi('ValidKey'),
    z.object({ valid: z.literal(false), code: z.literal('INACTIVE'), key: KeySchema }).openapi('InactiveKey'),
    z.object({ valid: z.literal(false), code: z.literal('NOT_FOUND') }).openapi('UnknownKey'),
    z
      .object({
        valid: z.literal(false),
        code: z.literal('LOCKED').openapi({ description: "The end user's address is locked out" }),
        retry_after: z.int().openapi({ description: 'Seconds' }),
      })
      .openapi('LockedAddress'),
  ])
  .openapi('Introspection');

export const IntrospectionsSchema = z
  .object({ results: z.array(IntrospectionSchema).openapi({ description: 'In the order of the keys' }) })
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
