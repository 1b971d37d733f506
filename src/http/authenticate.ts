import { createMiddleware } from 'hono/factory';
import { DomainError, type Problem } from '../lib/errors.ts';
import type { Client } from './client-address.ts';
import { readCredentials } from './credentials.ts';
import type { HttpContext, HttpEnv, Principal } from './env.ts';
import { problemResponse } from './problem.ts';

/** What the guard asks of the room that counts failed attempts. */
export type AttemptCounter = {
  retryAfter(address: string): number;
  remaining(address: string): number;
  attempt<T extends { ok: boolean }>(
    address: string,
    evaluate: () => Promise<T>,
  ): Promise<{ state: 'locked'; retryAfter: number } | { state: 'evaluated'; result: T; remaining: number }>;
};

/** What the guard asks of the room that knows the keys. */
export type KeyVerifier = {
  verify(rawKey: string): Promise<{ code: 'VALID'; key: Principal } | { code: 'INACTIVE' | 'NOT_FOUND' }>;
  hasUsableKey(): Promise<boolean>;
};

const tooManyAttempts = (retryAfter: number): Problem => ({
  code: 'too_many_failed_attempts',
  detail: 'Too many failed authentication attempts. Please try again later.',
  retryAfter,
});

const noKeyConfigured: Problem = {
  code: 'no_api_key_configured',
  detail: 'No API key configured. Register a key via POST /auth/register-key or use an existing key.',
};

const conflictingKeys: Problem = {
  code: 'conflicting_api_keys',
  detail: 'The request carries different API keys. Send one key, in one header.',
};

/** The wording is the contract's, and always plural there. An address that is not counted is told no count. */
const withCount = (sentence: string, remaining: number | undefined) =>
  remaining === undefined ? sentence : `${sentence} ${remaining} attempts remaining.`;

/** Turns a locked-out address away from everything that is registered after this. */
export const refuseLocked = (counter: AttemptCounter) =>
  createMiddleware<HttpEnv>(async (c, next) => {
    c.header('Cache-Control', 'no-store');
    const { lockoutKey } = c.var.client;
    const retryAfter = lockoutKey === undefined ? 0 : counter.retryAfter(lockoutKey);
    if (retryAfter > 0) return problemResponse(c, tooManyAttempts(retryAfter));
    return next();
  });

/**
 * Lets one guess of a client be evaluated, counted against its address.
 * @param evaluate what a right guess finds; undefined for a wrong one
 * @param invalid the refusal of a wrong guess
 */
export async function attempt<T>(
  counter: AttemptCounter,
  { lockoutKey }: Client,
  evaluate: () => Promise<T | undefined>,
  invalid: Pick<Problem, 'code' | 'detail'>,
): Promise<{ refused: Problem } | { refused: undefined; found: T }> {
  const judge = async () => {
    const found = await evaluate();
    return { ok: found !== undefined, found };
  };
  const outcome =
    lockoutKey === undefined
      ? { state: 'evaluated' as const, result: await judge(), remaining: undefined }
      : await counter.attempt(lockoutKey, judge);
  if (outcome.state === 'locked') return { refused: tooManyAttempts(outcome.retryAfter) };
  const { found } = outcome.result;
  if (found !== undefined) return { refused: undefined, found };
  return { refused: { ...invalid, detail: withCount(invalid.detail, outcome.remaining) } };
}

/** The key that `authenticate` has let through. */
export function callerOf({ var: { key } }: HttpContext): Principal {
  if (!key) throw new Error('a guarded route was reached without a key');
  return key;
}

/** Lets only requests with a valid key through to everything that is registered after this. */
export const authenticate = (counter: AttemptCounter, keys: KeyVerifier) =>
  createMiddleware<HttpEnv>(async (c, next) => {
    const credentials = readCredentials((name) => c.req.header(name));
    switch (credentials.state) {
      case 'conflicting':
        return problemResponse(c, conflictingKeys);
      case 'none':
        return problemResponse(c, await keyRequired(c.var.client));
      case 'presented': {
        const { rawKey } = credentials;
        const attempted = await attempt(counter, c.var.client, () => evaluate(rawKey), {
          code: 'invalid_api_key',
          detail: 'Invalid API key.',
        });
        if (attempted.refused) return problemResponse(c, attempted.refused);
        c.set('key', attempted.found);
        return next();
      }
    }

    async function keyRequired({ lockoutKey }: Client): Promise<Problem> {
      if (!(await keys.hasUsableKey())) return noKeyConfigured;
      const remaining = lockoutKey === undefined ? undefined : counter.remaining(lockoutKey);
      return { code: 'api_key_required', detail: withCount('API key required.', remaining) };
    }

    /** Where no key could be right, nothing was guessed: throwing keeps it from being counted. */
    async function evaluate(rawKey: string): Promise<Principal | undefined> {
      const verdict = await keys.verify(rawKey);
      if (verdict.code === 'VALID') return verdict.key;
      if (!(await keys.hasUsableKey())) throw new DomainError(noKeyConfigured);
      return undefined;
    }
  });
