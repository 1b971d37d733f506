import { createRoute, z } from '@hono/zod-openapi';
import { KEY_HEADERS } from '../http/credentials.ts';
import { open, problemResponses } from '../http/openapi.ts';
import { createRouter, refuseOtherMethods } from '../http/router.ts';
import { MAX_LENGTH, MIN_LENGTH } from '../keys/secret.ts';
import { DomainError } from '../lib/errors.ts';
import { openapiDocument, redocPage, swaggerPage } from './docs-pages.ts';
import { product } from './product.ts';
import { HealthSchema, MetaSchema, RootSchema } from './schema.ts';

const common = { method: 'get' as const, tags: ['Service'], security: open };
const html = (description: string) => ({
  200: { description, content: { 'text/html': { schema: z.string() } } },
  ...problemResponses(),
});

const root = createRoute({
  ...common,
  path: '/',
  operationId: 'getRoot',
  summary: 'What this is and where its documentation stands',
  responses: {
    200: { description: 'Names and paths', content: { 'application/json': { schema: RootSchema } } },
    ...problemResponses(),
  },
});

const health = createRoute({
  ...common,
  path: '/health',
  operationId: 'getHealth',
  summary: 'Whether the service works',
  description: 'Reads from the database.',
  responses: {
    200: { description: 'It does', content: { 'application/json': { schema: HealthSchema } } },
    ...problemResponses('database_unavailable'),
  },
});

const meta = createRoute({
  ...common,
  path: '/meta',
  operationId: 'getMeta',
  summary: 'What a client may want to know beforehand',
  responses: {
    200: { description: 'Version and key format', content: { 'application/json': { schema: MetaSchema } } },
    ...problemResponses(),
  },
});

const docs = createRoute({
  ...common,
  path: '/docs',
  operationId: 'getDocs',
  summary: 'Swagger UI',
  responses: html('The page'),
});

const redoc = createRoute({
  ...common,
  path: '/redoc',
  operationId: 'getRedoc',
  summary: 'ReDoc',
  responses: html('The page'),
});

const openapi = createRoute({
  ...common,
  path: '/openapi.json',
  operationId: 'getOpenapi',
  summary: 'This document',
  responses: {
    200: {
      description: 'OpenAPI 3.1',
      content: { 'application/json': { schema: { type: 'object' as const } } },
    },
    ...problemResponses(),
  },
});

/** The six open paths. `ping` reads from the database and throws when it cannot. */
export function serviceRoutes(ping: () => Promise<unknown>) {
  const { name, version, description } = product;
  const router = createRouter()
    .openapi(root, (c) =>
      c.json({ name, version, description, docs: '/docs', redoc: '/redoc', openapi: '/openapi.json' }, 200),
    )
    .openapi(health, async (c) => {
      await ping().catch((cause: unknown) => {
        if (cause instanceof DomainError) throw cause;
        throw new DomainError(
          { code: 'database_unavailable', detail: 'The database cannot be read.', retryAfter: 5 },
          { cause },
        );
      });
      return c.json({ status: 'ok' as const }, 200);
    })
    .openapi(meta, (c) =>
      c.json(
        {
          name,
          version,
          key_headers: [...KEY_HEADERS, 'Authorization'],
          min_key_length: MIN_LENGTH,
          max_key_length: MAX_LENGTH,
        },
        200,
      ),
    )
    .openapi(docs, swaggerPage)
    .openapi(redoc, redocPage);
  // Registered in two steps: the typed handler of a JSON route would insist on building the document anew.
  router.openAPIRegistry.registerPath(openapi);
  router.get(openapi.path, openapiDocument);
  refuseOtherMethods(router);
  return router;
}
