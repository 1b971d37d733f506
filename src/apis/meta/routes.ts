import { createRoute, z } from '@hono/zod-openapi';
import type { TypedResponse } from 'hono';
import { accepts } from 'hono/accepts';
import { KEY_HEADERS } from '../../auth/by/api-key.ts';
import type { LiveConfig } from '../../gateway-file/live.ts';
import { problemResponses } from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import { MAX_KEY_LENGTH, MIN_KEY_LENGTH } from '../../keys/key-format.ts';
import { DomainError } from '../../lib/failure.ts';
import { product } from '../../lib/product.ts';
import { openapiDocument, redocPage, swaggerPage } from './docs-pages.ts';
import { HealthSchema, MetaSchema, ReadinessSchema, RootSchema } from './schemas.ts';

/** Seconds until another service may listen on this address. */
const STOPPING_RETRY_AFTER = 5;

const common = { method: 'get' as const, tags: ['Service'] };
const html = (description: string) => ({
  200: { description, content: { 'text/html': { schema: z.string() } } },
  ...problemResponses('overloaded'),
});

const root = createRoute({
  ...common,
  path: '/',
  operationId: 'getRoot',
  summary: 'Get the name of the service',
  description:
    'Names the service and the paths of its documentation and its dashboard. A browser, which prefers `text/html`, is sent to the dashboard. This operation needs no key.',
  responses: {
    200: {
      description: 'The name and the version of the service, and its paths',
      content: { 'application/json': { schema: RootSchema } },
    },
    302: { description: 'The dashboard, for a client that prefers `text/html`' },
    ...problemResponses(),
  },
});

const health = createRoute({
  ...common,
  path: '/health',
  operationId: 'getHealth',
  summary: 'Check the health of the service',
  description:
    'Reads from the database, and answers 503 if that fails. It also says what is wrong with the file of the gateway, if there is a gateway. This operation needs no key.',
  responses: {
    200: { description: 'The service works', content: { 'application/json': { schema: HealthSchema } } },
    ...problemResponses('database_unavailable'),
  },
});

const ready = createRoute({
  ...common,
  path: '/health/ready',
  operationId: 'getReadiness',
  summary: 'Whether the service takes requests',
  description:
    'For load balancers. Turns 503 when the service begins to stop. Until then it answers like `GET /health`.',
  responses: {
    200: {
      description: 'The service takes requests',
      content: { 'application/json': { schema: ReadinessSchema } },
    },
    ...problemResponses('database_unavailable', 'stopping'),
  },
});

const meta = createRoute({
  ...common,
  path: '/meta',
  operationId: 'getMeta',
  summary: 'Get the key headers and key lengths',
  description: 'Says which headers take a key and how long a key can be. This operation needs no key.',
  responses: {
    200: {
      description: 'The version of the service and the format of keys',
      content: { 'application/json': { schema: MetaSchema } },
    },
    ...problemResponses(),
  },
});

const docs = createRoute({
  ...common,
  path: '/docs',
  operationId: 'getDocs',
  summary: 'Open Swagger UI',
  description: 'A page that shows the operations and can send requests. This operation needs no key.',
  responses: html('The page of Swagger UI'),
});

const redoc = createRoute({
  ...common,
  path: '/redoc',
  operationId: 'getRedoc',
  summary: 'Open ReDoc',
  description: 'A page that shows the operations. This operation needs no key.',
  responses: html('The page of ReDoc'),
});

const openapi = createRoute({
  ...common,
  path: '/openapi.json',
  operationId: 'getOpenapi',
  summary: 'Get the OpenAPI document',
  description: 'Describes each operation of this service. This operation needs no key.',
  responses: {
    200: {
      description: 'The OpenAPI 3.1 document',
      content: { 'application/json': { schema: z.looseObject({}).openapi({ type: 'object' }) } },
    },
    ...problemResponses('overloaded'),
  },
});

/** The document is sent as text, but the type of its route expects a response that was made from an object. */
type JsonResponse = Response & TypedResponse<Record<string, never>, 200, 'json'>;

/** All routes of the meta API. None of them needs a key. */
export const publicMetaRoutes = [root, health, ready, meta, docs, redoc, openapi];

/** The state of the service. */
export type ServiceState = {
  /** Throws a DomainError when the database cannot be read. */
  checkDatabase: () => Promise<void>;
  isStopping: () => boolean;
  setup: { needsSetup: () => Promise<boolean> };
  /** The file of the gateway; undefined when there is no gateway. */
  gatewayFile: Pick<LiveConfig, 'problem' | 'catchUp'> | undefined;
};

const JSON_TYPE = 'application/json';
const HTML_TYPE = 'text/html';
const PATHS = { docs: '/docs', redoc: '/redoc', openapi: '/openapi.json', dashboard: '/dashboard' };

/** A broken file does not make the service unhealthy, because the last good one stays in force. */
async function healthOfGateway(file: NonNullable<ServiceState['gatewayFile']>) {
  await file.catchUp();
  const problem = file.problem();
  return problem ? { status: 'invalid_file' as const, error: problem.sentence } : { status: 'ok' as const };
}

export function metaRoutes({ checkDatabase, isStopping, setup, gatewayFile }: ServiceState) {
  const { name, version, description } = product;
  return createRouter()
    .openapi(root, async (c) => {
      c.header('Vary', 'Accept');
      const wants = accepts(c, { header: 'Accept', supports: [JSON_TYPE, HTML_TYPE], default: JSON_TYPE });
      // Relative, so that it works below a path that a proxy adds.
      if (wants === HTML_TYPE) return c.redirect('dashboard', 302);
      // Without its database, the service still says what it is.
      const isOpen = await setup.needsSetup().catch(() => false);
      const paths = isOpen ? { ...PATHS, setup: '/dashboard/setup' } : PATHS;
      return c.json({ name, version, description, ...paths }, 200);
    })
    .openapi(health, async (c) => {
      await checkDatabase();
      const gateway = gatewayFile && (await healthOfGateway(gatewayFile));
      return c.json({ status: 'ok' as const, ...(gateway && { gateway }) }, 200);
    })
    .openapi(ready, async (c) => {
      if (isStopping()) throw new DomainError({ code: 'stopping', retryAfter: STOPPING_RETRY_AFTER });
      await checkDatabase();
      return c.json({ status: 'ready' as const }, 200);
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
