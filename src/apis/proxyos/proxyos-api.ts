import { Hono } from 'hono';
import type { Authenticator } from '../../auth/authenticator.ts';
import type { HttpEnv } from '../../http/context.ts';
import { proxyosRest } from '../../http/dialects/proxyos-rest.ts';
import { trpc } from '../../http/dialects/trpc.ts';
import type { Logger } from '../../lib/logger.ts';
import { type ApiContext, createApi, JSON_BODY_LIMIT } from '../create-api.ts';
import { type ApiKeyParts, apiKeyProcedures } from './api-key-procedures.ts';
import { publicApiProcedures, type RouteParts, routeProcedures } from './public-procedures.ts';
import { openSetupRoutes, publicRestRoutes, type RestParts, setupRoutes } from './rest-routes.ts';
import { router } from './trpc.ts';
import { ENDPOINT, trpcRoute } from './trpc-route.ts';
import { type UserParts, userProcedures } from './user-procedures.ts';

export type ProxyosParts = ApiKeyParts &
  UserParts &
  RouteParts &
  RestParts & {
    /** For keys, also in the URL if that is allowed, and for the sessions of this API. */
    proxyosAuthenticators: readonly Authenticator[];
    logger: Logger;
  };

/** All procedures. A client of this service takes its types from here. */
export const proxyosRouter = (parts: ApiKeyParts & UserParts & RouteParts) =>
  router({
    apiKeys: apiKeyProcedures(parts),
    users: userProcedures(parts),
    publicApi: publicApiProcedures(),
    routes: routeProcedures(parts),
  });

export type ProxyosRouter = ReturnType<typeof proxyosRouter>;

/** The ProxyOS API, for clients of ProxyOS: tRPC, and a few REST routes. */
export function proxyosApi(parts: ProxyosParts, context: ApiContext) {
  const common = { api: 'proxyos', bodyLimit: JSON_BODY_LIMIT } as const;
  const handle = trpcRoute(proxyosRouter(parts), parts.logger);
  const trpcApi = createApi(
    {
      ...common,
      paths: [`${ENDPOINT}/*`],
      authenticators: parts.proxyosAuthenticators,
      dialect: trpc,
      open: [],
      // Each procedure says what it needs, and a batch has several.
      defersRefusals: true,
    },
    context,
    (routes) => {
      routes.on(['GET', 'POST'], [`${ENDPOINT}/:procedure`, `${ENDPOINT}/*`], handle);
      return routes;
    },
  );
  const restApi = createApi(
    {
      ...common,
      paths: ['/api/v1/*', '/api/auth/*'],
      authenticators: parts.proxyosAuthenticators.filter(({ kind }) => kind === 'key'),
      dialect: proxyosRest,
      open: openSetupRoutes(parts, context.lockout),
    },
    context,
    (routes) => routes.route('/', publicRestRoutes(parts)).route('/', setupRoutes(parts)),
  );
  // Not a router of OpenAPI: the document describes the other APIs.
  return new Hono<HttpEnv>().route('/', trpcApi).route('/', restApi);
}
