import { z } from '@hono/zod-openapi';
import { type ApiKey, statusOf } from '../../keys/key.ts';
import {
  hasPlausibleChecksum,
  MAX_KEY_LENGTH,
  MIN_KEY_LENGTH,
  PRINTABLE_ASCII,
} from '../../keys/key-format.ts';
import { SAMPLE_KEY } from '../../keys/weak-key.ts';
import { optionalSeconds, publicSettings } from '../../keys/wire.ts';
import { KeyId, RawKey } from '../../lib/brand.ts';
import { confirmation } from './account-schemas.ts';
import { GraceSchema } from './duration-schemas.ts';
import { LabelSchema, OwnerSchema } from './key-settings-schemas.ts';

/** Its checksum is wrong, so nobody can have this key. */
export const EXAMPLE_KEY = 'kh_EXAMPLEexampleEXAMPLEexampleEXAMPLEexampleEXAMPLEexampl000000';

const requiredString = ({ input }: { input?: unknown }) =>
  input === undefined ? 'is required' : 'must be a string';

/** A key that the client supplies. The sentence for a short key is part of the contract. */
export const SuppliedKeySchema = z
  .string({ error: requiredString })
  .min(MIN_KEY_LENGTH, { error: `API key must be at least ${MIN_KEY_LENGTH} characters.` })
  .max(MAX_KEY_LENGTH, { error: `must be at most ${MAX_KEY_LENGTH} characters` })
  .regex(PRINTABLE_ASCII, { error: 'must be printable ASCII without spaces' })
  .refine(hasPlausibleChecksum, {
    error: 'looks like a generated key with a typo: its checksum does not match',
  })
  .transform(RawKey)
  .openapi({
    description:
      'The raw key: 32 to 512 printable ASCII characters without spaces. Make one with `openssl rand -hex 32`',
    // Everybody can read it here, so the log warns when somebody registers it.
    example: SAMPLE_KEY,
  });

const seconds = (description: string) => z.number().openapi({ description, example: 1712345678.123 });

export const KeySchema = z
  .object({
    id: z.int().min(1).openapi({ description: 'The id of the key', example: 1 }),
    label: LabelSchema,
    hint: z.string().openapi({ description: 'The first characters of the raw key', example: 'kh_EXAMPLEex' }),
    prefix: z
      .string()
      .nullable()
      .openapi({ description: 'The beginning of a generated key. `null` for a supplied key', example: 'kh' }),
    owner: OwnerSchema,
    account_id: z
      .uuid()
      .nullable()
      .openapi({ description: 'The account that the key belongs to. `null`: none', example: null }),
    scopes: z.array(z.string()).openapi({ description: 'What the key may do', example: ['invoices:read'] }),
    status: z
      .enum(['active', 'inactive', 'expired'])
      .openapi({ description: 'Only an active key is valid', example: 'active' }),
    is_active: z.boolean().openapi({
      description: 'False after the key was deactivated. It says nothing about the expiry',
      example: true,
    }),
    expires_at: seconds('When the key expires, in seconds since 1970. `null`: never')
      .nullable()
      .openapi({ example: null }),
    allowed_ips: z.array(z.string()).openapi({
      description: 'The addresses that may use the key. Empty: every address',
      example: ['203.0.113.0/24'],
    }),
    rate_limits: z.array(z.object({ name: z.string(), limit: z.int(), window: z.string() })).openapi({
      description: 'How often the key can be verified',
      example: [{ name: 'burst', limit: 20, window: '1s' }],
    }),
    max_concurrent: z.int().nullable().openapi({
      description:
        'How many requests and WebSockets of the key may be open at the gateway at one time. `null`: as many as it likes',
      example: null,
    }),
    metadata: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'A JSON object for your own use', example: { team: 'billing' } }),
    source: z.enum(['registered', 'created', 'imported', 'config']).openapi({
      description: 'How the key came here',
      example: 'created',
    }),
    rotated_from: z
      .int()
      .nullable()
      .openapi({ description: 'The id of the key that this one replaced', example: null }),
    rotated_to: z
      .int()
      .nullable()
      .openapi({ description: 'The id of the key that replaced this one', example: null }),
    created_at: seconds('When the key was created, in seconds since 1970'),
    last_used_at: seconds(
      'When the key was last used, in seconds since 1970, or null. The value can be ten seconds late',
    )
      .nullable()
      .openapi({ example: null }),
    use_count: z.int().openapi({
      description: 'How often the key was used. The value can be ten seconds late',
      example: 0,
    }),
  })
  .openapi('Key');

export const CreatedKeySchema = KeySchema.extend({
  raw_key: z.string().openapi({
    description: 'The raw key. No other answer contains it: store it now',
    example: EXAMPLE_KEY,
  }),
}).openapi('CreatedKey');

const positiveInteger = /^[1-9]\d{0,15}$/;

export const KeyParamsSchema = z.object({
  id: z
    .string()
    .regex(positiveInteger, { error: 'must be a positive integer' })
    .transform(Number)
    .refine(Number.isSafeInteger, { error: 'must be a positive integer' })
    .transform(KeyId)
    .openapi({
      param: { name: 'id', in: 'path', description: 'The id of the key' },
      type: 'integer',
      minimum: 1,
      example: 2,
    }),
});

export const RotateOwnKeySchema = z
  .strictObject({ grace: GraceSchema })
  .openapi('RotateOwnKey', { example: { grace: '24h' } });

export const RotateKeySchema = z
  .strictObject({ grace: GraceSchema, ...confirmation })
  .openapi('RotateKey', { example: { grace: '24h' } });

/** The fields of a key that clients see. No other field is sent. */
export const presentKey = (key: ApiKey, now: number): z.infer<typeof KeySchema> => ({
  id: key.id,
  ...publicSettings(key),
  hint: key.hint,
  prefix: key.prefix,
  account_id: key.account?.id ?? null,
  status: statusOf(key, now),
  source: key.source,
  rotated_from: key.rotatedFrom,
  rotated_to: key.rotatedTo,
  created_at: optionalSeconds(key.createdAt) ?? 0,
  last_used_at: optionalSeconds(key.lastUsedAt),
  use_count: key.useCount,
});
