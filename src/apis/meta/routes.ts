import { createRoute, z } from '@hono/zod-openapi';
import type { TypedResponse } from 'hono';
import { KEY_HEADERS } from '../../auth/by/api-key.ts';
import { problemResponses } from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import { MAX_KEY_LENGTH, MIN_KEY_LENGTH } from '../../keys/key-format.ts';
import { product } from '../../lib/product.ts';
import { openapiDocument, redocPage, swaggerPage } from './docs-pages.ts';
import { HealthSchema, MetaSchema, RootSchema } from './schemas.ts';

const common = { method: 'get' as const, tags: ['Service'] };
const html = (description: string) => ({
  200: { description, content: { 'text/html': { schema: z.string() } } },
  ...problemResponses(),
});

const root = createRoute({
  ...common,
  path: '/',
  operationId: 'getRoot',
  summary: 'What this is, and where its documentation is',
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
    200: { description: 'The service works', content: { 'application/json': { schema: HealthSchema } } },
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
      content: { 'application/json': { schema: z.looseObject({}).openapi({ type: 'object' }) } },
    },
    ...problemResponses(),
  },
});

/** The document is sent as text. The type of its route wants a response that was made of an object. */
type JsonResponse = Response & TypedResponse<Record<string, never>, 200, 'json'>;

/** All routes of the meta API. None of them needs a key. */
export const publicMetaRoutes = [root, health, meta, docs, redoc, openapi];

/** @param checkDatabase throws when the database cannot be read */
export function metaRoutes(checkDatabase: () => Promise<void>) {
  const { name, version, description } = product;
  return createRouter()
    .openapi(root, (c) =>
      c.json({ name, version, description, docs: '/docs', redoc: '/redoc', openapi: '/openapi.json' }, 200),
    )
    .openapi(health, async (c) => {
      await checkDatabase();
      return c.json({ status: 'ok' as const }, 200);
    })
    .openapi(meta, (c) =>
      c.json(
        {
          name,
          version,
          key_headers: [...KEY_HEADERS, 'Authorization'],
          min_key_length: MIN_KEY_LENGTH,
          max_key_length: MAX_KEY_LENGTH,
        },
        200,
      ),
    )
    .openapi(docs, (c) => swaggerPage(c))
    .openapi(redoc, (c) => redocPage(c))
    .openapi(openapi, async (c) => (await openapiDocument(c)) as JsonResponse);
}
