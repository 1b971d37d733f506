import { z } from 'zod';
import { Scope } from '../lib/brand.ts';
import { isVersion4, type Network, parseNetwork } from '../lib/network.ts';
import type { RateLimit } from '../lib/rate-limit.ts';
import { asMs, duration } from './duration-rule.ts';
import type { JsonObject } from './key.ts';
import { isVisible, MAX_LABEL_LENGTH } from './label.ts';
import { MAX_SCOPE_LENGTH, MAX_SCOPES, SCOPE_PATTERN, withoutRepeats } from './scopes.ts';

/**
 * What the settings of a key must be, wherever they come from: from a request, or from a file. Each schema yields the form
 * that the service uses. These are functions, because the core API describes each schema that it makes for OpenAPI.
 */

const MAX_ALLOWED_IPS = 64;
const MAX_RATE_LIMITS = 8;
const MAX_LIMIT = 1_000_000_000;
const MAX_METADATA_BYTES = 4_096;
const MAX_METADATA_DEPTH = 32;
const MAX_WINDOW_DAYS = 366;
const MAX_CONCURRENT = 1_000_000;

export const requiredString = ({ input }: { input?: unknown }) =>
  input === undefined ? 'is required' : 'must be a string';

/** For labels and owners. Counts the characters that a person sees, and takes nothing that breaks a terminal. */
export const visibleText = () =>
  z
    .string({ error: requiredString })
    .refine((text) => [...text].length <= MAX_LABEL_LENGTH, {
      error: `must be at most ${MAX_LABEL_LENGTH} characters`,
      abort: true,
    })
    .refine(isVisible, {
      error: 'must be well-formed Unicode without control, direction or other invisible characters',
    });

export const scope = () =>
  z
    .string({ error: requiredString })
    .max(MAX_SCOPE_LENGTH, { error: `must be at most ${MAX_SCOPE_LENGTH} characters` })
    .regex(SCOPE_PATTERN, {
      error:
        'must be * or parts of lower-case letters, digits, - and _ with : between them, like invoices:read',
    })
    .transform(Scope);

export const scopes = <Item extends z.ZodType<Scope>>(item: Item) =>
  z
    .array(item, { error: 'must be a list of scopes' })
    .max(MAX_SCOPES, { error: `must have at most ${MAX_SCOPES} entries` })
    .transform(withoutRepeats);

/**
 * `::ffff:10.0.0.0/8` means an IPv4 network to most people. But the prefix counts the bits of IPv6, so it would hold every
 * IPv4 address.
 */
const isWiderThanMeant = (text: string, { address }: Network) =>
  isVersion4(address) && text.includes(':') && Number(text.split('/')[1] ?? 128) < 96;

export const network = () =>
  z.string({ error: requiredString }).transform((text, { addIssue }) => {
    const parsed = parseNetwork(text);
    if (parsed && !isWiderThanMeant(text, parsed)) return parsed;
    addIssue({
      code: 'custom',
      message: 'must be an address or a network, like 203.0.113.7 or 2001:db8::/32',
    });
    return z.NEVER;
  });

export const allowedIps = <Item extends z.ZodType<Network>>(item: Item) =>
  z
    .array(item, { error: 'must be a list of addresses and networks' })
    .max(MAX_ALLOWED_IPS, { error: `must have at most ${MAX_ALLOWED_IPS} entries` });

const badLimit = ({ input }: { input?: unknown }) =>
  input === undefined ? 'is required' : `must be a whole number from 1 to ${MAX_LIMIT}`;

/** The fields of a rate limit. */
export const rateLimitFields = () => ({
  name: z
    .string({ error: requiredString })
    .regex(/^[a-z0-9_-]{1,32}$/, { error: 'must be 1 to 32 lower-case letters, digits, - and _' }),
  limit: z.int({ error: badLimit }).min(1, { error: badLimit }).max(MAX_LIMIT, { error: badLimit }),
  window: duration({ minMs: 1_000, maxDays: MAX_WINDOW_DAYS }),
});

export const toRateLimit = (limit: Omit<RateLimit, 'windowMs'>): RateLimit => ({
  ...limit,
  windowMs: asMs(limit.window),
});

export const rateLimits = <Item extends z.ZodType<RateLimit>>(item: Item) =>
  z
    .array(item, { error: 'must be a list of rate limits' })
    .max(MAX_RATE_LIMITS, { error: `must have at most ${MAX_RATE_LIMITS} entries` })
    .refine((limits) => new Set(limits.map(({ name }) => name)).size === limits.length, {
      error: 'must have each name only once',
    });

const badConcurrent = { error: `must be a whole number from 1 to ${MAX_CONCURRENT}, or null` };

export const maxConcurrent = () =>
  z.int(badConcurrent).min(1, badConcurrent).max(MAX_CONCURRENT, badConcurrent).nullable();

export const metadata = () =>
  z
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
