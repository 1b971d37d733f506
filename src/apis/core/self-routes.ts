import { createRoute } from '@hono/zod-openapi';
import { actorOf, principalOf } from '../../http/context.ts';
import {
  authenticationCodes,
  bodyCodes,
  invalid,
  problemResponses,
} from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import type { KeyService } from '../../keys/service.ts';
import type { Clock } from '../../lib/clock.ts';
import { needsNoScope } from '../required-scope.ts';
import { aKey, aNewKey, graceOf, rotation } from './key-answers.ts';
import { presentKey } from './key-schemas.ts';

/** What every key may do with itself, whatever its scopes. */
const common = { tags: ['Your own key'], ...needsNoScope };

const getSelf = createRoute({
  ...common,
  method: 'get',
  path: '/auth/self',
  operationId: 'getSelf',
  summary: 'Get your own key',
  description: 'Reads the key of the request. It needs no scope.',
  responses: { 200: aKey, ...problemResponses(...authenticationCodes) },
});

const rotateSelf = createRoute({
  ...common,
  method: 'post',
  path: '/auth/self/rotate',
  operationId: 'rotateSelf',
  summary: 'Rotate your own key',
  description:
    'Makes a successor of the key of the request, with the same settings and a new raw key. The old key stays valid until the grace ends. The request body is optional. It needs no scope.',
  request: { body: rotation },
  responses: {
    201: aNewKey,
    ...problemResponses(
      invalid('grace', 'must be at most 90 days'),
      ...bodyCodes,
      ...authenticationCodes,
      'api_key_already_rotated',
      'overloaded',
      'database_busy',
    ),
  },
});

const deleteSelf = createRoute({
  ...common,
  method: 'delete',
  path: '/auth/self',
  operationId: 'deleteSelf',
  summary: 'Delete your own key',
  description:
    'Deletes the key of the request, for example when it has leaked. You cannot undo this. It needs no scope.',
  responses: {
    204: { description: 'The key is deleted' },
    ...problemResponses(...authenticationCodes, 'last_active_api_key_required', 'database_busy'),
  },
});

export const selfRoutes = (keys: KeyService, clock: Pick<Clock, 'now'>) =>
  createRouter()
    .openapi(getSelf, async (c) => c.json(presentKey(await keys.get(principalOf(c).id), clock.now()), 200))
    .openapi(rotateSelf, async (c) => {
      const { key, rawKey } = await keys.self.rotate(graceOf(c.req.valid('json')), actorOf(c));
      const body = { ...presentKey(key, clock.now()), raw_key: rawKey };
      return c.json(body, 201, { Location: `/auth/keys/${key.id}` });
    })
    .openapi(deleteSelf, async (c) => {
      await keys.self.delete(actorOf(c));
      return c.body(null, 204);
    });
