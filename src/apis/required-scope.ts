import { createMiddleware } from 'hono/factory';
import { lacksScope } from '../auth/authorize.ts';
import { type HttpEnv, principalOf } from '../http/context.ts';
import { sendFailure } from '../http/failures.ts';
import type { OwnScope } from '../keys/scopes.ts';

/** How the definition of a route says what it needs. `create-api.ts` reads it, and refuses a guarded route without it. */
export const REQUIRED_SCOPE = 'x-required-scope';

/** Spread into the definition of a route: only a principal that holds the scope gets through. */
export const needs = (scope: OwnScope) => ({
  [REQUIRED_SCOPE]: scope,
  middleware: [
    createMiddleware<HttpEnv>((c, next) => {
      const failure = lacksScope(principalOf(c), scope);
      return failure ? Promise.resolve(sendFailure(c, failure)) : next();
    }),
  ],
});

/** Spread into the definition of a route that every principal may use. */
export const needsNoScope = { [REQUIRED_SCOPE]: null };
