import type { MiddlewareHandler } from 'hono';
import { readBody } from '../../http/body.ts';
import type { HttpEnv } from '../../http/context.ts';
import { management } from '../../http/dialects/management.ts';
import { sendFailure } from '../../http/failures.ts';
import { createRouter } from '../../http/router.ts';
import { AUTH_FILES, AUTH_FILES_LIMIT, addAuthFileRoutes } from './auth-file-routes.ts';
import { addCallbackRoutes } from './callback-routes.ts';
import { addConfigRoutes } from './config-routes.ts';
import { addCredentialRoutes } from './credential-routes.ts';
import { guard } from './guard.ts';
import { addKeyRoutes } from './key-routes.ts';
import { addOAuthRoutes } from './oauth-routes.ts';
import { addPanelRoute } from './panel-route.ts';
import type { ManagementParts } from './parts.ts';

/** Larger than the largest file of the gateway. */
const BODY_LIMIT = 2 * 1024 * 1024;

const body = readBody(BODY_LIMIT);
const files = readBody(AUTH_FILES_LIMIT);

const readBodyOf: MiddlewareHandler<HttpEnv> = (c, next) =>
  c.req.path === AUTH_FILES ? files(c, next) : body(c, next);

/**
 * The management API of the gateway. Everything below `/v0/management` needs the secret, also what does not exist. Open
 * are the callbacks of the providers, and the control panel, which is a page without any data.
 */
export function managementApi(parts: ManagementParts) {
  const router = createRouter();
  addCallbackRoutes(router, parts);
  addPanelRoute(router, parts);
  router.use('/v0/management/*', ...guard(parts), readBodyOf);
  addKeyRoutes(router, parts);
  addCredentialRoutes(router, parts);
  addConfigRoutes(router, parts);
  addOAuthRoutes(router, parts);
  addAuthFileRoutes(router, parts);
  router.all('/v0/management/*', async (c) => {
    c.set('dialect', management);
    return sendFailure(c, { code: 'not_found' });
  });
  return router;
}
