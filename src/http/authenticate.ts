import { createMiddleware } from 'hono/factory';
import { type HttpContext, type HttpEnv, headersOf, type Principal } from './env.ts';
import type { Guard } from './guard.ts';
import { problemResponse } from './problem.ts';

/** Turns a locked-out address away from everything that is registered after this. */
export const refuseLocked = (guard: Guard) =>
  createMiddleware<HttpEnv>(async (c, next) => {
    c.header('Cache-Control', 'no-store');
    const problem = guard.refuseLocked(c.var.client);
    return problem ? problemResponse(c, problem) : next();
  });

/** Lets only requests with a valid key through to everything that is registered after this. */
export const authenticate = (guard: Guard) =>
  createMiddleware<HttpEnv>(async (c, next) => {
    const admission = await guard.admit(c.var.client, headersOf(c.env.incoming));
    if (admission.state === 'refused') return problemResponse(c, admission.problem);
    c.set('key', admission.key);
    return next();
  });

/** The key that `authenticate` has let through. */
export function callerOf({ var: { key } }: HttpContext): Principal {
  if (!key) throw new Error('a guarded route was reached without a key');
  return key;
}
