import { createRoute, z } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import type { SetupService } from '../../accounts/setup.ts';
import type { Authenticate } from '../../auth/authenticate.ts';
import type { BootstrapService } from '../../bootstrap/service.ts';
import { type HttpEnv, headerReader, principalOf } from '../../http/context.ts';
import { sendFailure } from '../../http/failures.ts';
import { createRouter } from '../../http/router.ts';
import { PROXYOS_COOKIE, type SessionCookies } from '../../http/session-cookie.ts';
import { PROXYOS_ADMIN, PROXYOS_SCOPE } from '../../keys/proxyos-scopes.ts';
import { DomainError } from '../../lib/failure.ts';
import type { KeyPrincipal } from '../../lib/principal.ts';
import type { Lockout } from '../../lockout/lockout.ts';
import { checkBootstrap } from '../check-bootstrap.ts';
import type { OpenRoute } from '../create-api.ts';
import { REQUIRED_SCOPE } from '../required-scope.ts';
import { setupActor } from '../setup-actor.ts';
import { refuseCrossSite, visitorOf } from '../visitor.ts';
import { lacksProxyosScope, type ProxyosScope } from './needs.ts';
import { presentRole } from './present.ts';
import { HEALTH, type RouteParts, routesOf } from './public-procedures.ts';
import { EmailSchema, PasswordSchema } from './schemas.ts';

/** The OpenAPI document does not show these routes: their clients have contracts of their own. */
const json = { description: 'The answer', content: { 'application/json': { schema: z.any() } } };

/** Spread into the definition of a route for keys with a scope of this API, or with `admin`. */
const needs = (scope: ProxyosScope) => ({
  [REQUIRED_SCOPE]: PROXYOS_SCOPE + scope,
  middleware: [
    createMiddleware<HttpEnv>((c, next) => {
      if (!lacksProxyosScope(principalOf(c), scope)) return next();
      const scopes = [PROXYOS_SCOPE + scope, PROXYOS_ADMIN];
      return Promise.resolve(sendFailure(c, { code: 'insufficient_scope', reason: 'route', scopes }));
    }),
  ],
});

const health = createRoute({
  ...needs('health:read'),
  method: 'get',
  path: '/api/v1/health',
  responses: { 200: json },
});

const routes = createRoute({
  ...needs('routes:read'),
  method: 'get',
  path: '/api/v1/routes',
  responses: { 200: json },
});

export const publicRestRoutes = (parts: RouteParts) =>
  createRouter()
    .openapi(health, (c) => c.json(HEALTH, 200))
    .openapi(routes, async (c) => c.json(await routesOf(parts), 200));

const setupStatus = createRoute({
  method: 'get',
  path: '/api/auth/setup-status',
  responses: { 200: json },
});

const setup = createRoute({
  method: 'post',
  path: '/api/auth/setup',
  request: {
    body: {
      required: true,
      content: {
        'application/json': { schema: z.object({ email: EmailSchema, password: PasswordSchema }) },
      },
    },
  },
  responses: { 201: json },
});

export type RestParts = {
  setup: SetupService;
  bootstrap: BootstrapService;
  authenticateKey: Authenticate<KeyPrincipal>;
  cookies: SessionCookies;
};

export function openSetupRoutes({ bootstrap, setup: service }: RestParts, lockout: Lockout): OpenRoute[] {
  const check = checkBootstrap(bootstrap, lockout, service.assertOpen);
  return [
    setupStatus,
    { ...setup, check: async (c, next) => refuseCrossSite(c, async () => void (await check(c, next))) },
  ];
}

export function setupRoutes({ setup: service, authenticateKey, cookies }: RestParts) {
  /** Another request may have taken the claim meanwhile. Then it is set up, or a key is registered, which this one needs. */
  async function afterClaim(error: unknown): Promise<never> {
    if (!(error instanceof DomainError) || error.failure.code !== 'api_key_already_configured') throw error;
    await service.assertOpen();
    throw new DomainError({ code: 'api_key_required', remaining: undefined });
  }

  return createRouter()
    .openapi(setupStatus, async (c) => c.json({ needsSetup: await service.needsSetup() }, 200))
    .openapi(setup, async (c) => {
      const actor = await setupActor(c, authenticateKey(c.var.client, headerReader(c.env.incoming)));
      const wanted = c.req.valid('json');
      const { account, token, rawKey } = await service.setUp(wanted, visitorOf(c), actor).catch(afterClaim);
      cookies.set(c, PROXYOS_COOKIE, token);
      const { id, email, role } = account;
      const key = rawKey === undefined ? {} : { raw_key: rawKey };
      return c.json({ id, email, role: presentRole(role), ...key }, 201);
    });
}
