import type { Context, MiddlewareHandler } from 'hono';
import { type ClientOptions, createClient } from './client.ts';
import { keysIn } from './presented-key.ts';
import {
  conflictingKeys,
  invalidKey,
  keyRequired,
  type Refusal,
  rateLimitHeaders,
  refusalOf,
  unavailable,
} from './refusal.ts';
import type { CallError } from './result.ts';
import type { ApiKey, LimitState } from './types.ts';
import { type CacheOptions, createVerificationCache } from './verification-cache.ts';

/** `keyhearth/hono`: middleware that lets only valid keys pass. It asks a Keyhearth elsewhere. */

export type { CacheOptions } from './verification-cache.ts';
export type { ApiKey, CallError, Refusal };

export type KeyhearthOptions = Omit<ClientOptions, 'key'> & {
  /** The key of your service. It needs the scope `keys:verify`. */
  key: string;
  /**
   * The address of the client. Invalid keys count as its failed attempts. Without an address nothing counts, and a
   * client can try as many keys as it likes.
   */
  ip: (c: Context) => string | undefined;
  /** Without it, every request asks Keyhearth, and a revoked key never passes. */
  cache?: CacheOptions | undefined;
  /** Called when Keyhearth gives no result. The client gets a 503. */
  onError?: ((error: CallError) => void) | undefined;
  /** Makes the answer to a refused request. By default a problem document, as Keyhearth sends it. */
  answer?: ((refusal: Refusal, c: Context) => Response | Promise<Response>) | undefined;
};

export type RequireKeyOptions = {
  /** The scope that the key must hold, or several. */
  scope?: string | readonly string[] | undefined;
  /** How much a request takes from the rate limits of the key. 1 by default. */
  cost?: number | undefined;
};

/** What a handler behind the middleware reads: `c.var.apiKey`. */
export type KeyhearthVariables = { Variables: { apiKey: ApiKey } };

/** Shorter than that of the client: a person waits for the answer. */
const DEFAULT_TIMEOUT_MS = 2_000;
const DEFAULT_RETRIES = 1;
/** Keyhearth takes no longer text, so it is no key. */
const MAX_PRESENTED = 4_096;

/**
 * Connects to Keyhearth.
 * @returns `requireKey`, which makes the middleware of a route
 * @throws TypeError when an option is unusable
 */
export function createRequireKey(
  options: KeyhearthOptions,
  times = { now: () => performance.now(), date: () => Date.now() },
) {
  const { ip: addressOf, onError, answer = toProblem, cache: cacheOptions, ...connection } = options;
  const { timeoutMs = DEFAULT_TIMEOUT_MS, retries = DEFAULT_RETRIES } = connection;
  const client = createClient({ ...connection, timeoutMs, retries });
  const cache = cacheOptions && createVerificationCache(cacheOptions, times);

  /** @returns the key, or why it does not pass */
  async function verify(key: string, ip: string | undefined, scope: string[], cost: number | undefined) {
    const question = { key, ip, scope };
    // A cost takes part in rate limits, and keys with limits are never in the cache.
    const known = await cache?.find(question);
    if (known) return { key: known, limits: [] };
    const askedAt = times.now();
    const result = await client.verify(key, { ip, scope, cost });
    if (!result.ok) {
      onError?.(result.error);
      return unavailable(result.error);
    }
    const verification = result.data;
    if (verification.valid !== true) return refusalOf(verification);
    await cache?.keep(question, verification, askedAt);
    return { key: verification.key, limits: verification.limits ?? [] };
  }

  return function requireKey({
    scope = [],
    cost,
  }: RequireKeyOptions = {}): MiddlewareHandler<KeyhearthVariables> {
    const scopes = typeof scope === 'string' ? [scope] : [...scope];
    return async (c, next) => {
      const [key, another] = keysIn((name) => c.req.header(name));
      if (key === undefined) return answer(keyRequired, c);
      if (another !== undefined) return answer(conflictingKeys, c);
      if (key.length > MAX_PRESENTED) return answer(invalidKey, c);
      const outcome = await verify(key, withoutZone(addressOf(c)), scopes, cost);
      if ('status' in outcome) return answer(outcome, c);
      c.set('apiKey', outcome.key);
      await next();
      addHeaders(c, outcome.limits);
      return undefined;
    };
  };
}

/** Sockets name the interface of a link-local address, which is not part of the address. */
const withoutZone = (ip: string | undefined) => ip?.replace(/%.*$/, '');

function addHeaders(c: Context, limits: readonly LimitState[]): void {
  if (limits.length === 0) return;
  for (const [name, value] of Object.entries(rateLimitHeaders(limits))) c.header(name, value);
}

const toProblem = ({ status, code, detail, headers }: Refusal): Response =>
  new Response(JSON.stringify({ type: 'about:blank', title: TITLES[status], status, detail, code }), {
    status,
    headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store', ...headers },
  });

const TITLES: Record<Refusal['status'], string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
};
