import { createRoute, z } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import { callerOf } from '../http/authenticate.ts';
import type { HttpEnv } from '../http/env.ts';
import { bodyCodes, guardCodes, guarded, invalid, problemResponses } from '../http/openapi.ts';
import { createRouter, refuseOtherMethods } from '../http/router.ts';
import { deniedAs403, identityHeaders, verified } from './present.ts';
import {
  IntrospectionSchema,
  IntrospectionsSchema,
  IntrospectSchema,
  presentIntrospection,
  VerifiedSchema,
  VerifyQuerySchema,
} from './schema.ts';
import type { VerifyService } from './service.ts';

export const VERIFY_PATH = '/auth/verify';

const verify = createRoute({
  method: 'get',
  path: VERIFY_PATH,
  operationId: 'verifyRequest',
  tags: ['Verification'],
  summary: 'Whether the key of this request is good',
  description:
    "For reverse proxies, which pass the client's own credential on: nginx `auth_request`, Caddy and Traefik `forward_auth`, HAProxy.",
  security: guarded,
  request: { query: VerifyQuerySchema },
  responses: {
    200: {
      description: 'It is',
      headers: {
        'X-Keyhearth-Key-Id': { description: 'The id of the key', schema: { type: 'string' }, example: '2' },
        'X-Keyhearth-Label': {
          description: 'Its label; what is not printable ASCII, and %, percent-encoded as UTF-8',
          schema: { type: 'string' },
          example: 'backup-server',
        },
      },
      content: { 'application/json': { schema: VerifiedSchema } },
    },
    ...problemResponses(invalid('deny', 'must be 403'), ...guardCodes, 'overloaded'),
  },
});

const introspect = createRoute({
  method: 'post',
  path: VERIFY_PATH,
  operationId: 'introspectKeys',
  tags: ['Verification'],
  summary: "Whether somebody else's keys are good",
  description:
    'For services that hold a key of their own and ask about the keys that were presented to them: one as `key`, or up to 100 as `keys`. A wrong key is a 200 too, and counts against the address in `ip` if there is one, never against the asking service.',
  security: guarded,
  request: { body: { required: true, content: { 'application/json': { schema: IntrospectSchema } } } },
  responses: {
    200: {
      description: 'What they are',
      content: { 'application/json': { schema: z.union([IntrospectionSchema, IntrospectionsSchema]) } },
    },
    ...problemResponses(
      invalid('keys', 'must be at most 100 keys'),
      ...bodyCodes,
      ...guardCodes,
      'overloaded',
    ),
  },
});

/** The refusals of the guard pass through here too. */
export const denyAs403 = createMiddleware<HttpEnv>(async (c, next) => {
  await next();
  const status = deniedAs403(c.res.status);
  if (c.req.query('deny') !== '403' || status === c.res.status) return;
  c.res = new Response(c.res.body, { status, headers: c.res.headers });
});

/** @param lockoutKeyOf what the failures of an end user at this address are counted by */
export function verifyRoutes(service: VerifyService, lockoutKeyOf: (ip: string) => string | undefined) {
  const router = createRouter()
    .openapi(verify, (c) => {
      c.set('logAtDebug', true);
      const caller = callerOf(c);
      return c.json(verified(caller), 200, identityHeaders(caller));
    })
    .openapi(introspect, async (c) => {
      const { key, keys = [], ip } = c.req.valid('json');
      await service.assertActive(callerOf(c).id);
      const lockoutKey = ip === undefined ? undefined : lockoutKeyOf(ip);
      if (key !== undefined)
        return c.json(presentIntrospection(await service.introspect(key, lockoutKey)), 200);
      const results = [];
      for (const each of keys) results.push(presentIntrospection(await service.introspect(each, lockoutKey)));
      return c.json({ results }, 200);
    });
  refuseOtherMethods(router);
  return router;
}
