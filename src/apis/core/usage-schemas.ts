import { z } from '@hono/zod-openapi';
import { optionalSeconds } from '../../keys/wire.ts';
import type { UsageBucket } from '../../usage/report.ts';
import { QueryTimeSchema } from './time-schemas.ts';

const time = (name: string, description: string, example: string) =>
  QueryTimeSchema.optional().openapi({
    param: { name, in: 'query', description: `${description}: RFC 3339, or seconds since 1970` },
    type: 'string',
    example,
  });

export const UsageQuerySchema = z.strictObject({
  from: time('from', '24 hours before `to`, unless you choose another time', '2030-01-01T00:00:00Z'),
  to: time('to', 'The first moment after the period, now by default', '2030-01-02T00:00:00Z'),
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

const UsageBucketSchema = z
  .object({
    start: z.int().openapi({
      description: 'When the hour or the day begins, in seconds since 1970',
      example: 1712343600,
    }),
    valid: z.int().openapi({ description: 'How many verifications passed', example: 120 }),
    refused: z.record(z.string(), z.int()).openapi({
      description:
        'How many verifications were refused, by `code`: `INACTIVE`, `EXPIRED`, `IP_NOT_ALLOWED`, `INSUFFICIENT_SCOPE` or `RATE_LIMITED`. Codes without a refusal are absent',
      example: { EXPIRED: 3 },
    }),
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
