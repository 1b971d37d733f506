import { createRoute } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import { readBody } from '../http/body.ts';
import type { HttpEnv } from '../http/env.ts';
import type { Guard } from '../http/guard.ts';
import { bodyCodes, invalid, open, problemResponses } from '../http/openapi.ts';
import { problemResponse } from '../http/problem.ts';
import { createRouter, refuseOtherMethods } from '../http/router.ts';
import {
  BootstrapStatusSchema,
  RegisteredSchema,
  RegisterKeySchema,
  TOKEN_HEADER,
  TokenHeaderSchema,
} from './schema.ts';
import type { BootstrapService } from './service.ts';

const bootstrapStatus = createRoute({
  method: 'get',
  path: '/auth/bootstrap-status',
  operationId: 'getBootstrapStatus',
  tags: ['Bootstrap'],
  summary: 'Whether the first key can be registered',
  security: open,
  responses: {
    200: {
      description: 'Exact opposites, always',
      content: { 'application/json': { schema: BootstrapStatusSchema } },
    },
    ...problemResponses('too_many_failed_attempts'),
  },
});

const registerKey = (gate: ReturnType<typeof bootstrapGate>) =>
  createRoute({
    method: 'post',
    path: '/auth/register-key',
    operationId: 'registerKey',
    tags: ['Bootstrap'],
    summary: 'Register the first key',
    description: `Once per database, ever, without a key. Where the operator has set a bootstrap token, the header ${TOKEN_HEADER} must carry it.`,
    security: open,
    middleware: [gate, readBody] as const,
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

/** Before a byte of the body is read: whether there is anything to register, and whether this caller may. */
const bootstrapGate = (bootstrap: BootstrapService, guard: Guard) =>
  createMiddleware<HttpEnv>(async (c, next) => {
    await bootstrap.assertOpen();
    if (!bootstrap.needsToken) return next();
    const token = c.req.header(TOKEN_HEADER);
    if (!token) {
      return problemResponse(c, {
        code: 'invalid_bootstrap_token',
        detail: `Bootstrap token required: send it in the header ${TOKEN_HEADER}.`,
      });
    }
    const problem = guard.refuseWrong(c.var.client, bootstrap.isToken(token), {
      code: 'invalid_bootstrap_token',
      detail: 'Invalid bootstrap token.',
    });
    return problem ? problemResponse(c, problem) : next();
  });

export function bootstrapRoutes(bootstrap: BootstrapService, guard: Guard) {
  const router = createRouter()
    .openapi(bootstrapStatus, async (c) => {
      const isOpen = await bootstrap.isOpen();
      return c.json({ needs_bootstrap: isOpen, has_db_keys: !isOpen }, 200);
    })
    .openapi(registerKey(bootstrapGate(bootstrap, guard)), async (c) => {
      const { api_key, label = '' } = c.req.valid('json');
      await bootstrap.register(api_key, label);
      return c.json({ detail: 'API key registered.' }, 201);
    });
  refuseOtherMethods(router);
  return router;
}
