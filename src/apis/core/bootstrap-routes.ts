import { createRoute } from '@hono/zod-openapi';
import type { BootstrapService } from '../../bootstrap/service.ts';
import { bodyCodes, invalid, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { BOOTSTRAP_TOKEN_HEADER } from '../../http/headers.ts';
import { createRouter } from '../../http/router.ts';
import type { Lockout } from '../../lockout/lockout.ts';
import { bootstrapRequestOf, checkBootstrap } from '../check-bootstrap.ts';
import type { OpenRoute } from '../create-api.ts';
import {
  BootstrapStatusSchema,
  RegisteredSchema,
  RegisterKeySchema,
  TokenHeaderSchema,
} from './bootstrap-schemas.ts';

const bootstrapStatus = createRoute({
  method: 'get',
  path: '/auth/bootstrap-status',
  operationId: 'getBootstrapStatus',
  tags: ['Bootstrap'],
  summary: 'Get the bootstrap status',
  description: 'Says whether the first key is registered. This operation needs no key.',
  responses: {
    200: {
      description: 'The bootstrap status. One of the two values is true, and the other is false',
      content: { 'application/json': { schema: BootstrapStatusSchema } },
    },
    ...problemResponses('too_many_failed_attempts'),
  },
});

const registerKey = createRoute({
  method: 'post',
  path: '/auth/register-key',
  operationId: 'registerKey',
  tags: ['Bootstrap'],
  summary: 'Register the first key',
  description: `Registers a key that the caller has made. This works once per database and needs no key. If the operator has set a bootstrap token, the header ${BOOTSTRAP_TOKEN_HEADER} must contain it.`,
  request: {
    headers: TokenHeaderSchema,
    body: { required: true, content: { 'application/json': { schema: RegisterKeySchema } } },
  },
  responses: {
    201: {
      description: 'The key is registered',
      content: { 'application/json': { schema: RegisteredSchema } },
    },
    ...problemResponses(
      invalid('api_key', 'API key must be at least 32 characters.'),
      ...bodyCodes,
      'invalid_bootstrap_token',
      'api_key_already_configured',
      'too_many_failed_attempts',
      'overloaded',
      'database_busy',
    ),
  },
});

/** The routes of the core API that need no key. */
export const publicBootstrapRoutes = (bootstrap: BootstrapService, lockout: Lockout): OpenRoute[] => [
  bootstrapStatus,
  { ...registerKey, check: checkBootstrap(bootstrap, lockout, () => bootstrap.assertOpen()) },
];

export const bootstrapRoutes = (bootstrap: BootstrapService) =>
  createRouter()
    .openapi(bootstrapStatus, async (c) => {
      const isOpen = await bootstrap.isOpen();
      return c.json({ needs_bootstrap: isOpen, has_db_keys: !isOpen }, 200);
    })
    .openapi(registerKey, async (c) => {
      const { api_key, label = '' } = c.req.valid('json');
      await bootstrap.register(api_key, label, bootstrapRequestOf(c));
      return c.json({ detail: 'API key registered.' }, 201);
    });
