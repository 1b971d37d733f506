// Without it, schemas have no `openapi`.
import '@hono/zod-openapi';
import { asMs, duration } from '../../keys/duration-rule.ts';

const MAX_GRACE_DAYS = 90;
/** 100 years. */
const MAX_EXPIRY_DAYS = 36_525;

export const ExpiresInSchema = duration({ minMs: 1_000, maxDays: MAX_EXPIRY_DAYS })
  .transform(asMs)
  .openapi({
    type: ['string', 'integer'],
    description:
      'When the key expires, from now: `90d`, `12h`, `30m`, `45s`, or seconds. In place of `expires_at`',
    example: '90d',
  });

export const GraceSchema = duration({ minMs: 0, maxDays: MAX_GRACE_DAYS })
  .prefault('0s')
  .transform(asMs)
  .openapi({
    type: ['string', 'integer'],
    description: 'How long the old key stays valid. At most 90 days',
    default: '0s',
    example: '24h',
  });
