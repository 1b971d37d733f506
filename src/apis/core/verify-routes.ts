import { createRoute, z } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import type { Admit } from '../../auth/admit.ts';
import type { Introspect } from '../../auth/introspect.ts';
import type { ResolveClient } from '../../http/client-address.ts';
import { actorOf, type HttpEnv, keyPrincipalOf } from '../../http/context.ts';
import { bodyCodes, guardCodes, invalid, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { rateLimitHeaders } from '../../http/rate-limit-headers.ts';
import { createRouter } from '../../http/router.ts';
import type { RawKey } from '../../lib/brand.ts';
import type { Clock } from '../../lib/clock.ts';
import { DomainError } from '../../lib/failure.ts';
import type { Actor } from '../../lib/principal.ts';
import { KEYS_ALONE, needs, needsNoScope } from '../required-scope.ts';
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
  [KEYS_ALONE]: true,
  ...needsNoScope,
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
        'X-Keyhearth-Owner': {
          description: 'The owner of the key, encoded like the label',
          schema: { type: 'string' },
          example: 'ops@example.com',
        },
        'X-Keyhearth-Scopes': {
          description: 'The scopes of the key, with spaces between them',
          schema: { type: 'string' },
          example: 'invoices:read',
        },
        RateLimit: {
          description: 'What is left of each rate limit of the key. Absent when the key has no rate limits',
          schema: { type: 'string' },
          example: '"burst";r=19;t=1',
        },
        'RateLimit-Policy': {
          description: 'The rate limits of the key. Absent when the key has none',
          schema: { type: 'string' },
          example: '"burst";q=20;w=1',
        },
      },
      content: { 'application/json': { schema: VerifiedSchema } },
    },
    ...problemResponses(invalid('deny', 'must be 403'), ...guardCodes, 'rate_limited', 'overloaded'),
  },
});

const introspectKeys = createRoute({
  [KEYS_ALONE]: true,
  ...needs('keys:verify'),
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
      ...guardCodes,
      'overloaded',
    ),
  },
});

/** It also changes the answers of the authentication, so it wraps the API. */
export const denyAs403 = createMiddleware<HttpEnv>((c, next) => {
  if (c.req.query('deny') === '403') c.set('dialect', problemAs403);
  return next();
});

/** Sessions are for people. Neither proxies nor services send them. */
export const withKeysAlone = createMiddleware<HttpEnv>((c, next) => {
  c.set('ignoresSessions', true);
  return next();
});

/** Before the authentication, which counts what it refuses. */
export const asVerification = createMiddleware<HttpEnv>((c, next) => {
  c.set('isVerification', true);
  return next();
});

/** The end user of a service that does not say where its user is. */
const nobody = { lockoutKey: undefined, ip: undefined };

export type VerifyParts = {
  admit: Admit;
  clock: Pick<Clock, 'now'>;
  introspect: Introspect;
  resolveClient: ResolveClient;
  /** Throws a DomainError unless the actor may still act. */
  assertStillValid: (actor: Actor) => Promise<unknown>;
};

export const verifyRoutes = ({ admit, introspect, resolveClient, assertStillValid, clock }: VerifyParts) =>
  createRouter()
    .openapi(verify, async (c) => {
      c.set('logAtDebug', true);
      const admission = await admit(keyPrincipalOf(c), c.req.valid('query').scope);
      if (admission.state === 'refused') throw new DomainError(admission.failure);
      const { principal, limits } = admission;
      if (limits.length > 0)
        for (const [name, value] of Object.entries(rateLimitHeaders(limits))) c.header(name, value);
      return c.json(verifiedBody(principal), 200, identityHeaders(principal));
    })
    .openapi(introspectKeys, async (c) => {
      const { key, keys = [], ip, scope: scopes, cost } = c.req.valid('json');
      await assertStillValid(actorOf(c));
      const sender = ip === undefined ? nobody : resolveClient({ peer: ip });
      const verify = async (rawKey: RawKey) =>
        presentIntrospection(
          await introspect(rawKey, sender, { scopes, cost }, c.env.incoming.socket),
          clock.now(),
        );
      if (key !== undefined) return c.json(await verify(key), 200);
      const results = [];
      for (const each of keys) results.push(await verify(each));
      return c.json({ results }, 200);
    });
