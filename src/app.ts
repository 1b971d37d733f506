import { type CoreParts, coreApi } from './apis/core/core-api.ts';
import { type ApiContext, createApi, JSON_BODY_LIMIT } from './apis/create-api.ts';
import { dashboardApi } from './apis/dashboard/dashboard-api.ts';
import { metaApi } from './apis/meta/meta-api.ts';
import type { ServiceState } from './apis/meta/routes.ts';
import { type MetricsParts, metricsApi } from './apis/metrics/metrics-api.ts';
import { type ProxyhatParts, proxyhatApi } from './apis/proxyhat/proxyhat-api.ts';
import { type ProxyosParts, proxyosApi } from './apis/proxyos/proxyos-api.ts';
import { problem } from './http/dialects/problem.ts';
import type { RequestLog } from './http/request-log.ts';
import { createRoot } from './http/root.ts';
import type { Logger } from './lib/logger.ts';

export type AppParts = CoreParts &
  ProxyhatParts &
  ProxyosParts &
  MetricsParts &
  ServiceState &
  Omit<ApiContext, 'ownedPaths'> & {
    logger: Logger;
    requestLog: RequestLog;
  };

/** All routes with their types, for a typed client: `hc<AppType>(origin)`. */
export type AppType = ReturnType<typeof createApp>;

/** The APIs, one per line. The fallback is the last one. It answers every other path: 401, or 404 to a valid key. */
export function createApp(parts: AppParts) {
  const context: ApiContext = {
    lockout: parts.lockout,
    usage: parts.usage,
    isAllowedHost: parts.isAllowedHost,
    cookies: parts.cookies,
    ownedPaths: [],
  };
  return createRoot(parts.logger, parts.requestLog, parts.resolveClient)
    .route('/', metaApi(parts, context))
    .route('/', metricsApi(parts, context))
    .route('/', dashboardApi(context))
    .route('/', coreApi(parts, context))
    .route('/', proxyhatApi(parts, context))
    .route('/', proxyosApi(parts, context))
    .route('/', fallbackApi(parts.authenticators, context));
}

const fallbackApi = (authenticators: AppParts['authenticators'], context: ApiContext) =>
  createApi(
    {
      paths: ['*'],
      authenticators,
      dialect: problem,
      bodyLimit: JSON_BODY_LIMIT,
      open: [],
    },
    context,
    (router) => router,
  );
