import { z } from '@hono/zod-openapi';
import type { JsonObject } from '../../keys/key.ts';
import {
  DEFAULT_PREFIX,
  isReservedPrefix,
  PREFIX_PATTERN,
  RESERVED_PREFIXES,
} from '../../keys/key-format.ts';
import { isVisible, MAX_LABEL_LENGTH } from '../../keys/label.ts';
import { MAX_SCOPE_LENGTH, MAX_SCOPES, SCOPE_PATTERN, withoutRepeats } from '../../keys/scopes.ts';
import { Scope } from '../../lib/brand.ts';
import { isVersion4, type Network, parseNetwork } from '../../lib/network.ts';
import type { RateLimit } from '../../lib/rate-limit.ts';
import { asMs, duration } from './duration-schemas.ts';

/** The settings of a key as a client sends them. Each schema yields the form that the service uses. */

const MAX_ALLOWED_IPS = 64;
const MAX_RATE_LIMITS = 8;
const MAX_LIMIT = 1_000_000_000;
const MAX_METADATA_BYTES = 4_096;
const MAX_METADATA_DEPTH = 32;
const MAX_WINDOW_DAYS = 366;
const MAX_CONCURRENT = 1_000_000;

const requiredString = ({ input }: { input?: unknown }) =>
  input === undefined ? 'is required' : 'must be a string';

/** Counts the characters that a person sees, not UTF-16 units, and takes nothing that breaks a database or a terminal. */
const visibleText = () =>
  z
    .string({ error: requiredString })
    .refine((text) => [...text].length <= MAX_LABEL_LENGTH, {
      error: `must be at most ${MAX_LABEL_LENGTH} characters`,
      abort: true,
    })
    .refine(isVisible, {
      error: 'must be well-formed Unicode without control, direction or other invisible characters',
    });

export const LabelSchema = visibleText().openapi({
  description: 'A name for people. Several keys can have the same label',
  maxLength: MAX_LABEL_LENGTH,
  example: 'backup-server',
});

export const OwnerSchema = visibleText().openapi({
  description: 'Whose key it is, as free text. It grants nothing',
  maxLength: MAX_LABEL_LENGTH,
  example: 'ops@example.com',
});

export const PrefixSchema = z
  .string({ error: requiredString })
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

export const ScopeSchema = z
  .string({ error: requiredString })
  .max(MAX_SCOPE_LENGTH, { error: `must be at most ${MAX_SCOPE_LENGTH} characters` })
  .regex(SCOPE_PATTERN, {
    error:
      'must be * or parts of lower-case letters, digits, - and _ with : between them, like invoices:read',
  })
  .transform(Scope)
  .openapi({ type: 'string', pattern: SCOPE_PATTERN.source, example: 'invoices:read' });

export const ScopesSchema = z
  .array(ScopeSchema, { error: 'must be a list of scopes' })
  .max(MAX_SCOPES, { error: `must have at most ${MAX_SCOPES} entries` })
  .transform(withoutRepeats)
  .openapi({
    description:
      'What the key may do. `*` is everything, and `invoices:*` is everything that begins with `invoices:`. With an empty list, the key can only prove that it is valid',
  });

/**
 * `::ffff:10.0.0.0/8` means an IPv4 network to most people. But the prefix counts the bits of IPv6, so it would hold every
 * IPv4 address.
 */
const isWiderThanMeant = (text: string, { address }: Network) =>
  isVersion4(address) && text.includes(':') && Number(text.split('/')[1] ?? 128) < 96;

const NetworkSchema = z
  .string({ error: requiredString })
  .transform((text, { addIssue }) => {
    const network = parseNetwork(text);
    if (network && !isWiderThanMeant(text, network)) return network;
    addIssue({
      code: 'custom',
      message: 'must be an address or a network, like 203.0.113.7 or 2001:db8::/32',
    });
    return z.NEVER;
  })
  .openapi({ type: 'string', example: '203.0.113.0/24' });

export const AllowedIpsSchema = z
  .array(NetworkSchema, { error: 'must be a list of addresses and networks' })
  .max(MAX_ALLOWED_IPS, { error: `must have at most ${MAX_ALLOWED_IPS} entries` })
  .openapi({
    description: 'The addresses that may use the key. With an empty list, every address may',
  });

const badLimit = ({ input }: { input?: unknown }) =>
  input === undefined ? 'is required' : `must be a whole number from 1 to ${MAX_LIMIT}`;

const RateLimitSchema = z
  .strictObject({
    name: z
      .string({ error: requiredString })
      .regex(/^[a-z0-9_-]{1,32}$/, { error: 'must be 1 to 32 lower-case letters, digits, - and _' })
      .openapi({ description: 'A name, which the answers repeat', example: 'burst' }),
    limit: z
      .int({ error: badLimit })
      .min(1, { error: badLimit })
      .max(MAX_LIMIT, { error: badLimit })
      .openapi({ description: 'How many verifications pass in a window', example: 20 }),
    window: duration({ minMs: 1_000, maxDays: MAX_WINDOW_DAYS }).openapi({
      type: ['string', 'integer'],
      description: 'How long a window lasts. It opens with the first verification',
      example: '1s',
    }),
  })
  .transform((limit): RateLimit => ({ ...limit, windowMs: asMs(limit.window) }))
  .openapi('RateLimit', { example: { name: 'burst', limit: 20, window: '1s' } });

export const RateLimitsSchema = z
  .array(RateLimitSchema, { error: 'must be a list of rate limits' })
  .max(MAX_RATE_LIMITS, { error: `must have at most ${MAX_RATE_LIMITS} entries` })
  .refine((limits) => new Set(limits.map(({ name }) => name)).size === limits.length, {
    error: 'must have each name only once',
  })
  .openapi({ description: 'How often the key can be verified. All limits hold at the same time' });

const badConcurrent = { error: `must be a whole number from 1 to ${MAX_CONCURRENT}, or null` };

export const MaxConcurrentSchema = z
  .int(badConcurrent)
  .min(1, badConcurrent)
  .max(MAX_CONCURRENT, badConcurrent)
  .nullable()
  .openapi({
    description:
      'How many requests and WebSockets of the key may be open at the gateway at one time. `null`: as many as it likes',
    example: 20,
  });

export const MetadataSchema = z
  .custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    error: 'must be a JSON object',
    abort: true,
  })
  .refine((value) => depthOf(value) <= MAX_METADATA_DEPTH, {
    error: `must not be nested more than ${MAX_METADATA_DEPTH} levels deep`,
    abort: true,
  })
  .refine(hasNumbersOfJson, { error: 'must have no number that is too large, like 1e999', abort: true })
  .refine((value) => !hasProto(value), { error: 'must not have a member named __proto__', abort: true })
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= MAX_METADATA_BYTES, {
    error: 'must be at most 4 KiB of JSON',
  })
  .openapi({
    type: 'object',
    additionalProperties: true,
    description: 'A JSON object for your own use, at most 4 KiB. Do not store secrets in it',
    example: { team: 'billing' },
  });

/** Stops behind the limit. A body can be nested so deep that no function could call itself for each level. */
function depthOf(value: unknown): number {
  let level: unknown[] = [value];
  for (let depth = 0; ; depth++) {
    level = level.filter((each) => typeof each === 'object' && each !== null);
    if (level.length === 0 || depth > MAX_METADATA_DEPTH) return depth;
    level = level.flatMap((each) => Object.values(each as object));
  }
}

/** JSON has no infinity. A number that is too large is one here, and would be stored as null. */
function hasNumbersOfJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(hasNumbersOfJson);
}

/** Programs that copy such an object change the prototype of the copy. */
const hasProto = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto));
