import { bootstrapRoutes } from './bootstrap/routes.ts';
import type { BootstrapService } from './bootstrap/service.ts';
import { authenticate, refuseLocked } from './http/authenticate.ts';
import { readBody } from './http/body.ts';
import type { ResolveClient } from './http/client-address.ts';
import type { Guard } from './http/guard.ts';
import { securitySchemes } from './http/openapi.ts';
import { explain, problemResponse } from './http/problem.ts';
import { requestLog } from './http/request-log.ts';
import { createRouter } from './http/router.ts';
import { keyRoutes } from './keys/routes.ts';
import type { KeyService } from './keys/service.ts';
import type { Logger } from './lib/logger.ts';
import { product } from './service/product.ts';
import { serviceRoutes } from './service/routes.ts';
import { denyAs403, VERIFY_PATH, verifyRoutes } from './verify/routes.ts';
import type { VerifyService } from './verify/service.ts';

export type AppParts = {
  logger: Logger;
  resolveClient: ResolveClient;
  ping: () => Promise<unknown>;
  guard: Guard;
  bootstrap: BootstrapService;
  keys: KeyService;
  verify: VerifyService;
};

/**
 * The rooms in the order in which a request meets them. What stands above `authenticate` is open; everything below it,
 * and whatever nobody has registered, needs a key.
 */
export function createApp({ logger, resolveClient, ping, guard, bootstrap, keys, verify }: AppParts) {
  const app = createRouter();

  app.onError((error, c) => problemResponse(c, explain(error, logger, c.var.requestId)));
  app.notFound((c) => problemResponse(c, { code: 'not_found', detail: 'There is nothing at this path.' }));

  app.use(requestLog(logger, resolveClient));
  app.route('/', serviceRoutes(ping));
  app.use(VERIFY_PATH, denyAs403);
  app.use(refuseLocked(guard));
  app.route('/', bootstrapRoutes(bootstrap, guard));
  app.use(authenticate(guard));
  app.use(readBody);
  app.route('/', keyRoutes(keys));
  app.route(
    '/',
    verifyRoutes(verify, (ip) => resolveClient(ip, undefined).lockoutKey),
  );
  return app;
}

/** The OpenAPI 3.1 description of what the app's routes declare. */
export function describeApp(app: ReturnType<typeof createApp>) {
  for (const [name, scheme] of Object.entries(securitySchemes)) {
    app.openAPIRegistry.registerComponent('securitySchemes', name, scheme);
  }
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Keyhearth',
      version: product.version,
      description: `${product.description}.`,
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/', description: 'This service' }],
    tags: [
      { name: 'Bootstrap', description: 'The first key: once per database, ever' },
      { name: 'Keys', description: 'The life of a key' },
      { name: 'Verification', description: 'Keys of those whom others serve' },
      { name: 'Service', description: 'Open to all' },
    ],
  });
}
