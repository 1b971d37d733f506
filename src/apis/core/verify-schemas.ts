import { z } from '@hono/zod-openapi';
import type { Introspection } from '../../auth/introspect.ts';
import { MAX_SCOPES } from '../../keys/scopes.ts';
import { RawKey } from '../../lib/brand.ts';
import { parseAddress } from '../../lib/network.ts';
import type { LimitState } from '../../lib/rate-limit.ts';
import { EXAMPLE_KEY, KeySchema, presentKey } from './key-schemas.ts';
import { ScopeSchema } from './key-settings-schemas.ts';

const EXAMPLE_ADDRESS = '198.51.100.7';
const MAX_KEYS = 100;
const MAX_PRESENTED = 4_096;
const MAX_COST = 1_000;
const badCost = `must be a whole number from 0 to ${MAX_COST}`;

const WantedScopesSchema = z
  .array(ScopeSchema, { error: 'must be a list of scopes' })
  .max(MAX_SCOPES, { error: `must have at most ${MAX_SCOPES} entries` });

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

/** Other parameters may be the client's own. But `scopes=a` in the file of a proxy would ask for nothing. */
const isMisspelt = (name: string) => /^scope/i.test(name) && name !== 'scope';

export const VerifyQuerySchema = z
  .looseObject({
    deny: z
      .literal('403', { error: 'must be 403' })
      .optional()
      .openapi({
        param: {
          name: 'deny',
          in: 'query',
          description:
            'With the value 403, each error except 401 has the status 403, because nginx needs that',
        },
      }),
    scope: z
      .union([ScopeSchema.transform((scope) => [scope]), WantedScopesSchema], {
        error: 'must be a scope, like invoices:read. Repeat the parameter to ask for several',
      })
      .default([])
      .openapi({
        param: {
          name: 'scope',
          in: 'query',
          description: 'A scope that the key must hold. Repeat it to ask for several',
        },
        type: 'array',
        items: { type: 'string' },
      }),
  })
  .superRefine((query, { addIssue }) => {
    for (const name of Object.keys(query))
      if (isMisspelt(name))
        addIssue({ code: 'custom', path: [name.slice(0, 64)], message: 'must be named scope' });
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
    scope: WantedScopesSchema.default([]).openapi({
      description: 'The scopes that the key must hold',
      example: ['invoices:read'],
    }),
    cost: z
      .int({ error: badCost })
      .min(0, { error: badCost })
      .max(MAX_COST, { error: badCost })
      .default(1)
      .openapi({
        description:
          'How much each verification takes from the rate limits of its key. 0: only ask, and pass the limits',
      }),
  })
  .refine(({ key, keys }) => (key === undefined) !== (keys === undefined), {
    path: ['key'],
    error: 'Either key or keys is required, and not both.',
  })
  // Only one of key and keys may be there, and a reader of the document would fill in both.
  .openapi('Introspect', { example: { key: EXAMPLE_KEY, ip: EXAMPLE_ADDRESS } });

const valid = z.literal(true).openapi({ description: 'The key is valid' });
const invalid = z.literal(false).openapi({ description: 'The key is invalid, or its check was refused' });

const limits = z
  .array(
    z
      .object({
        name: z.string().openapi({ description: 'The name of the limit', example: 'burst' }),
        limit: z.int().openapi({ description: 'How much a window allows', example: 20 }),
        window: z.string().openapi({ description: 'How long a window lasts', example: '1s' }),
        remaining: z.int().openapi({ description: 'What is left of the window', example: 19 }),
        resets_in: z.int().openapi({
          description: 'Seconds until the window ends; 0 when none is open',
          example: 1,
        }),
      })
      .openapi('LimitState'),
  )
  .openapi({ description: 'What is left of the rate limits of the key' });

/** One of the possible results. */
const result = <Code extends string>(code: Code, description: string) =>
  z.literal(code).openapi({ description });

export const IntrospectionSchema = z
  .discriminatedUnion('code', [
    z
      .object({ valid, code: result('VALID', 'The key is valid'), key: KeySchema, limits: limits.optional() })
      .openapi('ValidKey'),
    z.object({ valid: invalid, code: result('NOT_FOUND', 'The key does not exist') }).openapi('UnknownKey'),
    z
      .object({ valid: invalid, code: result('INACTIVE', 'The key is inactive'), key: KeySchema })
      .openapi('InactiveKey'),
    z
      .object({ valid: invalid, code: result('EXPIRED', 'The key has expired'), key: KeySchema })
      .openapi('ExpiredKey'),
    z
      .object({
        valid: invalid,
        code: result('IP_NOT_ALLOWED', 'The address in `ip` may not use the key, or there is no `ip`'),
        key: KeySchema,
      })
      .openapi('KeyFromElsewhere'),
    z
      .object({
        valid: invalid,
        code: result('INSUFFICIENT_SCOPE', 'The key does not hold all scopes'),
        key: KeySchema,
        missing_scopes: z.array(z.string()).openapi({ description: 'The scopes that it does not hold' }),
      })
      .openapi('KeyWithoutScope'),
    z
      .object({
        valid: invalid,
        code: result('RATE_LIMITED', 'The key has reached a rate limit'),
        key: KeySchema,
        retry_after: z.int().nullable().openapi({
          description:
            'Seconds to wait before you try again. `null` if `cost` is above a limit: it never passes',
          example: 1,
        }),
        limits,
      })
      .openapi('RateLimitedKey'),
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

const presentLimit = ({ name, limit, window, remaining, resetMs }: LimitState) => ({
  name,
  limit,
  window,
  remaining,
  resets_in: Math.ceil(resetMs / 1_000),
});

export function presentIntrospection(
  introspection: Introspection,
  now: number,
): z.infer<typeof IntrospectionSchema> {
  switch (introspection.code) {
    case 'VALID': {
      const { code, key, limits } = introspection;
      const presented = { valid: true as const, code, key: presentKey(key, now) };
      return limits.length === 0 ? presented : { ...presented, limits: limits.map(presentLimit) };
    }
    case 'RATE_LIMITED': {
      const { code, key, retryAfter, limits } = introspection;
      return {
        valid: false,
        code,
        key: presentKey(key, now),
        retry_after: Number.isFinite(retryAfter) ? retryAfter : null,
        limits: limits.map(presentLimit),
      };
    }
    case 'INACTIVE':
    case 'EXPIRED':
    case 'IP_NOT_ALLOWED':
      return { valid: false, code: introspection.code, key: presentKey(introspection.key, now) };
    case 'INSUFFICIENT_SCOPE': {
      const key = presentKey(introspection.key, now);
      return { valid: false, code: introspection.code, key, missing_scopes: [...introspection.missing] };
    }
    case 'NOT_FOUND':
      return { valid: false, code: 'NOT_FOUND' };
    case 'LOCKED':
      return { valid: false, code: 'LOCKED', retry_after: introspection.retryAfter };
  }
}
