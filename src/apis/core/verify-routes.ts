import { createRoute, z } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import type { Introspect } from '../../auth/introspect.ts';
import type { ResolveClient } from '../../http/client-address.ts';
import { type HttpEnv, principalOf } from '../../http/context.ts';
import {
  authenticationCodes,
  bodyCodes,
  invalid,
  problemResponses,
} from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import type { Principal } from '../../lib/principal.ts';
import { identityHeaders, problemAs403, verifiedBody } from './verified-answer.ts';
import {
  IntrospectionSchema,
  IntrospectionsSchema,
  IntrospectSchema,
  presentIntrospection,
  VerifiedSchema,
  VerifyQuerySchema,
} from './verify-schemas.ts';

export const VERIFY_PATH = '/auth/verify';

const verify = createRoute({
  method: 'get',
  path: VERIFY_PATH,
  operationId: 'verifyRequest',
  tags: ['Verification'],
  summary: 'Verify the key of this request',
  description:
    "For reverse proxies. The proxy sends the client's key and gets 200 if the key is valid. It works with nginx `auth_request`, Caddy `forward_auth`, Traefik ForwardAuth and HAProxy. Every request below `/auth/verify/` gets the same answer, with any method, path, query and body: Envoy `ext_authz` sends such requests.",
  request: { query: VerifyQuerySchema },
  responses: {
    200: {
      description: 'The key is valid',
      headers: {
        'X-Keyhearth-Key-Id': { description: 'The id of the key', schema: { type: 'string' }, example: '2' },
        'X-Keyhearth-Label': {
          description:
            'The label of the key in UTF-8. Characters other than printable ASCII, and %, are percent-encoded',
          schema: { type: 'string' },
          example: 'backup-server',
        },
      },
      content: { 'application/json': { schema: VerifiedSchema } },
    },
    ...problemResponses(invalid('deny', 'must be 403'), ...authenticationCodes, 'overloaded'),
  },
});

const introspectKeys = createRoute({
  method: 'post',
  path: VERIFY_PATH,
  operationId: 'introspectKeys',
  tags: ['Verification'],
  summary: 'Verify keys that your service received',
  description:
    'For services that receive keys from their own clients. Send one key as `key`, or up to 100 as `keys`. The answer is 200 for an invalid key too, with `valid: false` and a `code`. An invalid key counts as a failed attempt of the address in `ip`, if there is one. It never counts against the calling service.',
  request: { body: { required: true, content: { 'application/json': { schema: IntrospectSchema } } } },
  responses: {
    200: {
      description: 'The result for each key',
      content: { 'application/json': { schema: z.union([IntrospectionSchema, IntrospectionsSchema]) } },
    },
    ...problemResponses(
      invalid('keys', 'must have at most 100 entries'),
      ...bodyCodes,
      ...authenticationCodes,
      'overloaded',
    ),
  },
});

/** It also changes the answers of the authentication, so it wraps the API. */
export const denyAs403 = createMiddleware<HttpEnv>((c, next) => {
  if (c.req.query('deny') === '403') c.set('dialect', problemAs403);
  return next();
});

export type VerifyParts = {
  introspect: Introspect;
  resolveClient: ResolveClient;
  /** Throws a DomainError unless the principal may still act. */
  assertStillValid: (principal: Principal) => Promise<void>;
};

export const verifyRoutes = ({ introspect, resolveClient, assertStillValid }: VerifyParts) =>
  createRouter()
    .openapi(verify, (c) => {
      c.set('logAtDebug', true);
      const principal = principalOf(c);
      return c.json(verifiedBody(principal), 200, identityHeaders(principal));
    })
    .openapi(introspectKeys, async (c) => {
      const { key, keys = [], ip } = c.req.valid('json');
      await assertStillValid(principalOf(c));
      const lockoutKey = ip === undefined ? undefined : resolveClient({ peer: ip }).lockoutKey;
      if (key !== undefined) return c.json(presentIntrospection(await introspect(key, lockoutKey)), 200);
      const results = [];
      for (const each of keys) results.push(presentIntrospection(await introspect(each, lockoutKey)));
      return c.json({ results }, 200);
    });
