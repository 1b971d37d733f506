import { z } from '@hono/zod-openapi';
import {
  DEFAULT_PREFIX,
  isReservedPrefix,
  PREFIX_PATTERN,
  RESERVED_PREFIXES,
} from '../../keys/key-format.ts';
import { MAX_LABEL_LENGTH } from '../../keys/label.ts';
import { SCOPE_PATTERN } from '../../keys/scopes.ts';
import * as rules from '../../keys/settings-rules.ts';

/** The settings of a key as a client sends them, with their descriptions. */

export const LabelSchema = rules.visibleText().openapi({
  description: 'A name for people. Several keys can have the same label',
  maxLength: MAX_LABEL_LENGTH,
  example: 'backup-server',
});

export const OwnerSchema = rules.visibleText().openapi({
  description: 'Whose key it is, as free text. It grants nothing',
  maxLength: MAX_LABEL_LENGTH,
  example: 'ops@example.com',
});

export const PrefixSchema = z
  .string({ error: rules.requiredString })
  .regex(PREFIX_PATTERN, {
    error: 'must be 2 to 16 lower-case letters, digits and underscores, and begin with a letter',
  })
  .refine((prefix) => !isReservedPrefix(prefix), {
    error: `must not begin with ${RESERVED_PREFIXES.map((reserved) => `${reserved}_`).join(', ')}, which are reserved`,
  })
  .openapi({
    description: 'The beginning of the raw key',
    pattern: PREFIX_PATTERN.source,
    default: DEFAULT_PREFIX,
    example: DEFAULT_PREFIX,
  });

export const ScopeSchema = rules
  .scope()
  .openapi({ type: 'string', pattern: SCOPE_PATTERN.source, example: 'invoices:read' });

export const ScopesSchema = rules.scopes(ScopeSchema).openapi({
  description:
    'What the key may do. `*` is everything, and `invoices:*` is everything that begins with `invoices:`. With an empty list, the key can only prove that it is valid',
});

const NetworkSchema = rules.network().openapi({ type: 'string', example: '203.0.113.0/24' });

export const AllowedIpsSchema = rules.allowedIps(NetworkSchema).openapi({
  description: 'The addresses that may use the key. With an empty list, every address may',
});

const limitFields = rules.rateLimitFields();

const RateLimitSchema = z
  .strictObject({
    name: limitFields.name.openapi({ description: 'A name, which the answers repeat', example: 'burst' }),
    limit: limitFields.limit.openapi({ description: 'How many verifications pass in a window', example: 20 }),
    window: limitFields.window.openapi({
      type: ['string', 'integer'],
      description: 'How long a window lasts. It opens with the first verification',
      example: '1s',
    }),
  })
  .transform(rules.toRateLimit)
  .openapi('RateLimit', { example: { name: 'burst', limit: 20, window: '1s' } });

export const RateLimitsSchema = rules
  .rateLimits(RateLimitSchema)
  .openapi({ description: 'How often the key can be verified. All limits hold at the same time' });

export const MaxConcurrentSchema = rules.maxConcurrent().openapi({
  description:
    'How many requests and WebSockets of the key may be open at the gateway at one time. `null`: as many as it likes',
  example: 20,
});

export const MetadataSchema = rules.metadata().openapi({
  type: 'object',
  additionalProperties: true,
  description: 'A JSON object for your own use, at most 4 KiB. Do not store secrets in it',
  example: { team: 'billing' },
});
