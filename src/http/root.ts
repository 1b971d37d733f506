import type { Logger } from '../lib/logger.ts';
import type { ResolveClient } from './client-address.ts';
import { failureOf, sendFailure } from './failures.ts';
import { requestContext } from './request-context.ts';
import type { RequestLog } from './request-log.ts';
import { createRouter } from './router.ts';

/**
 * The router that all APIs are mounted on. It has the only error handler: Hono wraps each handler of a router that has
 * one of its own, which costs every request about a tenth of its time.
 */
export function createRoot(logger: Logger, log: RequestLog, resolveClient: ResolveClient) {
  const root = createRouter();
  root.onError((error, c) => sendFailure(c, failureOf(error, logger, c.var.requestId)));
  root.use(requestContext(log, resolveClient));
  return root;
}
