import { z } from '@hono/zod-openapi';
import { optionalSeconds } from '../../keys/wire.ts';
import type { KeyUsage, UsageBucket } from '../../usage/report.ts';
import { once } from './page-schemas.ts';
import { QueryTimeSchema } from './time-schemas.ts';

const time = (name: string, description: string, example: string) =>
  QueryTimeSchema.optional().openapi({
    param: { name, in: 'query', description: `${description}: RFC 3339, or seconds since 1970` },
    type: 'string',
    example,
  });

const period = {
  from: time('from', '24 hours before `to`, unless you choose another time', '2030-01-01T00:00:00Z'),
  to: time('to', 'The first moment after the period, now by default', '2030-01-02T00:00:00Z'),
};

export const UsageQuerySchema = z.strictObject({
  ...period,
  bucket: z
    .enum(['hour', 'day'], { error: 'must be hour or day' })
    .optional()
    .openapi({
      param: {
        name: 'bucket',
        in: 'query',
        description:
          'The length of a bucket in UTC: `hour` for periods of up to 7 days whose hours still exist, otherwise `day`',
      },
    }),
});

const MAX_KEYS = 100;
const DEFAULT_KEYS = 10;

const keysError = { error: `must be a whole number from 1 to ${MAX_KEYS}` };

export const MostUsedQuerySchema = z.strictObject({
  ...period,
  limit: z
    .string(once)
    .regex(/^[1-9]\d{0,2}$/, keysError)
    .transform(Number)
    .refine((limit) => limit <= MAX_KEYS, keysError)
    .default(DEFAULT_KEYS)
    .openapi({
      param: { name: 'limit', in: 'query', description: 'The largest number of keys in the answer' },
      type: 'integer',
      minimum: 1,
      maximum: MAX_KEYS,
      default: DEFAULT_KEYS,
    }),
});

const counts = {
  valid: z.int().openapi({ description: 'How many verifications passed', example: 120 }),
  refused: z.record(z.string(), z.int()).openapi({
    description:
      'How many verifications were refused, by `code`: `INACTIVE`, `EXPIRED`, `IP_NOT_ALLOWED`, `INSUFFICIENT_SCOPE` or `RATE_LIMITED`. Codes without a refusal are absent',
    example: { EXPIRED: 3 },
  }),
};

const UsageBucketSchema = z
  .object({
    start: z.int().openapi({
      description: 'When the hour or the day begins, in seconds since 1970',
      example: 1712343600,
    }),
    ...counts,
  })
  .openapi('UsageBucket');

export const UsageSchema = z
  .object({
    buckets: z
      .array(UsageBucketSchema)
      .openapi({ description: 'All hours or days of the period, the oldest first' }),
  })
  .openapi('Usage');

export const presentUsage = (buckets: readonly UsageBucket[]): z.infer<typeof UsageSchema> => ({
  buckets: buckets.map(({ start, valid, refused }) => ({
    start: optionalSeconds(start) ?? 0,
    valid,
    refused: { ...refused },
  })),
});

export const MostUsedSchema = z
  .object({
    keys: z
      .array(
        z
          .object({
            id: z.int().openapi({ description: 'The id of the key', example: 2 }),
            label: z.string().nullable().openapi({
              description: 'The label. `null`: the key is deleted since',
              example: 'backup-server',
            }),
            hint: z.string().nullable().openapi({
              description: 'The first characters of the raw key. `null`: the key is deleted since',
              example: 'kh_EXAMPLEex',
            }),
            ...counts,
          })
          .openapi('KeyUsage'),
      )
      .openapi({ description: 'The keys, the one with the most verifications first' }),
  })
  .openapi('MostUsedKeys');

export const presentMostUsed = (keys: readonly KeyUsage[]): z.infer<typeof MostUsedSchema> => ({
  keys: keys.map(({ id, label, hint, valid, refused }) => ({
    id,
    label,
    hint,
    valid,
    refused: { ...refused },
  })),
});
