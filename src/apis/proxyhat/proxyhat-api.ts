import { createMiddleware } from 'hono/factory';
import type { Authenticator } from '../../auth/authenticator.ts';
import type { HttpEnv } from '../../http/context.ts';
import { laravelDialect } from '../../http/dialects/laravel.ts';
import { createRouter } from '../../http/router.ts';
import { type ApiContext, createApi, JSON_BODY_LIMIT } from '../create-api.ts';
import { type AuthRouteParts, authRoutes, publicAuthRoutes } from './auth-routes.ts';
import { type KeyRouteParts, keyRoutes } from './key-routes.ts';
import { type PasswordRouteParts, passwordRoutes } from './password-routes.ts';
import { type TwoFactorRouteParts, twoFactorRoutes } from './two-factor-routes.ts';

export type ProxyhatParts = AuthRouteParts &
  KeyRouteParts &
  PasswordRouteParts &
  TwoFactorRouteParts & {
    /** API keys of accounts, and access tokens. The session of a browser is not valid here. */
    proxyhatAuthenticators: readonly Authenticator[];
  };

const PATHS = ['/v1/auth/*', '/v1/profile/*'];

/** The ProxyHat API: for clients of ProxyHat, whose users make their API keys here. A key acts for its user. */
export function proxyhatApi(parts: ProxyhatParts, context: ApiContext) {
  const api = createApi(
    {
      paths: PATHS,
      authenticators: parts.proxyhatAuthenticators,
      dialect: laravelDialect(context.lockout.attempts),
      bodyLimit: JSON_BODY_LIMIT,
      open: publicAuthRoutes(parts),
    },
    context,
    (router) =>
      router
        .route('/', authRoutes(parts))
        .route('/', keyRoutes(parts))
        .route('/', passwordRoutes(parts))
        .route('/', twoFactorRoutes(parts)),
  );
  const router = createRouter();
  for (const path of PATHS) router.use(path, asProxyhat);
  return router.route('/', api);
}

const asProxyhat = createMiddleware<HttpEnv>((c, next) => {
  c.set('api', 'proxyhat');
  return next();
});
