import type { MiddlewareHandler } from 'hono';
import { createMiddleware } from 'hono/factory';
import { lacksScope } from '../auth/authorize.ts';
import { type HttpEnv, principalOf } from '../http/context.ts';
import { sendFailure } from '../http/failures.ts';
import type { OwnScope } from '../keys/scopes.ts';
import type { Failure } from '../lib/failure.ts';
import type { Principal } from '../lib/principal.ts';

/** How the definition of a route says what it needs. `create-api.ts` reads it, and refuses a guarded route without it. */
export const REQUIRED_SCOPE = 'x-required-scope';

/** How the definition of a route says that it takes API keys alone. */
export const KEYS_ALONE = 'x-keys-alone';

/** Refuses a request for a reason that depends on who it acts for. */
const refusing = (why: (principal: Principal) => Failure | undefined): MiddlewareHandler<HttpEnv> =>
  createMiddleware<HttpEnv>((c, next) => {
    const failure = why(principalOf(c));
    return failure ? Promise.resolve(sendFailure(c, failure)) : next();
  });

const lacksSetup = (principal: Principal): Failure | undefined =>
  principal.lacksTwoFactor ? { code: 'two_factor_setup_required' } : undefined;

/** Spread into the definition of a route: only a principal that holds the scope gets through. */
export const needs = (scope: OwnScope) => ({
  [REQUIRED_SCOPE]: scope,
  middleware: [refusing((principal) => lacksSetup(principal) ?? lacksScope(principal, scope))],
});

/** Spread into the definition of a route that every principal may use. */
export const needsNoScope = { [REQUIRED_SCOPE]: null, middleware: [refusing(lacksSetup)] };

/** The same, and also for an account that still has to set up a second factor. */
export const needsNoTwoFactor = { [REQUIRED_SCOPE]: null, middleware: [] };

/** Spread into the definition of a route that only people use, whatever their role. */
export const needsAccount = {
  [REQUIRED_SCOPE]: null,
  middleware: [refusing((principal) => lacksSetup(principal) ?? lacksAccount(principal))],
};

/** Spread into the definition of a route for admins, and for keys that can manage everything. */
export const needsAdmin = {
  [REQUIRED_SCOPE]: '*',
  middleware: [refusing((principal) => lacksSetup(principal) ?? lacksScope(principal, '*'))],
};

const lacksAccount = ({ kind }: Principal): Failure | undefined =>
  kind === 'account' ? undefined : { code: 'account_only' };
