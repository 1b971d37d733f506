import { createRoute } from '@hono/zod-openapi';
import type { SetupService } from '../../accounts/setup.ts';
import type { Authenticate } from '../../auth/authenticate.ts';
import type { BootstrapService } from '../../bootstrap/service.ts';
import { headerReader } from '../../http/context.ts';
import { bodyCodes, invalid, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import { SESSION_COOKIE, type SessionCookies } from '../../http/session-cookie.ts';
import type { KeyPrincipal } from '../../lib/principal.ts';
import type { Lockout } from '../../lockout/lockout.ts';
import { checkBootstrap } from '../check-bootstrap.ts';
import type { OpenRoute } from '../create-api.ts';
import { setupActor } from '../setup-actor.ts';
import { refuseCrossSite, visitorOf } from '../visitor.ts';
import { presentAccount, SetUpSchema, SetupSchema, SetupStatusSchema } from './account-schemas.ts';
import { TokenHeaderSchema } from './bootstrap-schemas.ts';

const common = { tags: ['Sign-in'], path: '/auth/setup' as const };

const setupStatus = createRoute({
  ...common,
  method: 'get',
  operationId: 'getSetupStatus',
  summary: 'Get the set-up status',
  description:
    'Says whether there is an administrator. If the operator has set a bootstrap token, the set-up needs it too. This operation needs no credential.',
  responses: {
    200: { description: 'The status', content: { 'application/json': { schema: SetupStatusSchema } } },
    ...problemResponses('too_many_failed_attempts'),
  },
});

const setup = createRoute({
  ...common,
  method: 'post',
  operationId: 'setUp',
  summary: 'Set up the first administrator',
  description:
    'Makes the first admin account and signs it in. This works once. While no key is registered, it also makes the first key. After that, it needs a key with the scope `*`. If the operator has set a bootstrap token, the request must contain it.',
  request: {
    headers: TokenHeaderSchema,
    body: { required: true, content: { 'application/json': { schema: SetupSchema } } },
  },
  responses: {
    201: {
      description: 'The administrator can sign in, and is signed in',
      content: { 'application/json': { schema: SetUpSchema } },
    },
    ...problemResponses(
      invalid('password', 'must have at least 12 characters'),
      ...bodyCodes,
      'invalid_bootstrap_token',
      'api_key_required',
      'invalid_api_key',
      'insufficient_scope',
      'cross_site_request',
      'setup_already_complete',
      'api_key_already_configured',
      'too_many_failed_attempts',
      'overloaded',
      'database_busy',
    ),
  },
});

export type SetupRouteParts = {
  setup: SetupService;
  bootstrap: BootstrapService;
  authenticateKey: Authenticate<KeyPrincipal>;
  cookies: SessionCookies;
};

export const publicSetupRoutes = (
  { bootstrap, setup: service }: SetupRouteParts,
  lockout: Lockout,
): OpenRoute[] => {
  const check = checkBootstrap(bootstrap, lockout, service.assertOpen);
  return [
    setupStatus,
    { ...setup, check: async (c, next) => refuseCrossSite(c, async () => void (await check(c, next))) },
  ];
};

export const setupRoutes = ({ setup: service, bootstrap, authenticateKey, cookies }: SetupRouteParts) =>
  createRouter()
    .openapi(setupStatus, async (c) => {
      const needsSetup = await service.needsSetup();
      return c.json({ needs_setup: needsSetup, needs_key: needsSetup && !(await bootstrap.isOpen()) }, 200);
    })
    .openapi(setup, async (c) => {
      const actor = await setupActor(c, authenticateKey(c.var.client, headerReader(c.env.incoming)));
      const { account, token, rawKey } = await service.setUp(c.req.valid('json'), visitorOf(c), actor);
      cookies.set(c, SESSION_COOKIE, token);
      const key = rawKey === undefined ? {} : { raw_key: rawKey };
      return c.json({ account: presentAccount(account), ...key }, 201);
    });
