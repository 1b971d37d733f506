import { createRoute, z } from '@hono/zod-openapi';
import type { AccountService } from '../../accounts/service.ts';
import { actorOf } from '../../http/context.ts';
import {
  authenticationCodes,
  bodyCodes,
  invalid,
  problemResponses,
} from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import type { KeyService } from '../../keys/service.ts';
import type { Clock } from '../../lib/clock.ts';
import { needsNoScope, needsNoTwoFactor } from '../required-scope.ts';
import { AccountSchema, presentAccount } from './account-schemas.ts';
import { aNewKey, graceOf } from './key-answers.ts';
import { KeySchema, presentKey, RotateOwnKeySchema } from './key-schemas.ts';

/** What every key may do with itself, whatever its scopes. */
const common = { tags: ['Your own key'], ...needsNoScope };

const getSelf = createRoute({
  ...common,
  ...needsNoTwoFactor,
  method: 'get',
  path: '/auth/self',
  operationId: 'getSelf',
  summary: 'Get your own key or account',
  description: 'Reads the key of the request, or the account of the session. It needs no scope.',
  responses: {
    200: {
      description: 'The key, or the account',
      content: { 'application/json': { schema: z.union([KeySchema, AccountSchema]) } },
    },
    ...problemResponses(...authenticationCodes),
  },
});

const rotateSelf = createRoute({
  ...common,
  method: 'post',
  path: '/auth/self/rotate',
  operationId: 'rotateSelf',
  summary: 'Rotate your own key',
  description:
    'Makes a successor of the key of the request, with the same settings and a new raw key. The old key stays valid until the grace ends. The request body is optional. It needs no scope. A key and its successors can do this 24 times in a day.',
  request: { body: { required: false, content: { 'application/json': { schema: RotateOwnKeySchema } } } },
  responses: {
    201: aNewKey,
    ...problemResponses(
      invalid('grace', 'must be at most 90 days'),
      ...bodyCodes,
      ...authenticationCodes,
      'api_key_declared',
      'api_key_already_rotated',
      'rate_limited',
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
    ...problemResponses(
      ...authenticationCodes,
      'last_active_api_key_required',
      'api_key_declared',
      'database_busy',
    ),
  },
});

export type SelfRouteParts = {
  keys: KeyService;
  accounts: Pick<AccountService, 'self'>;
  clock: Pick<Clock, 'now'>;
};

export const selfRoutes = ({ keys, accounts, clock }: SelfRouteParts) =>
  createRouter()
    .openapi(getSelf, async (c) => {
      const actor = actorOf(c);
      if (actor.principal.kind === 'account') return c.json(presentAccount(await accounts.self(actor)), 200);
      return c.json(presentKey(await keys.self.get(actor), clock.now()), 200);
    })
    .openapi(rotateSelf, async (c) => {
      const { key, rawKey } = await keys.self.rotate(graceOf(c.req.valid('json')), actorOf(c));
      const body = { ...presentKey(key, clock.now()), raw_key: rawKey };
      return c.json(body, 201, { Location: `/auth/keys/${key.id}` });
    })
    .openapi(deleteSelf, async (c) => {
      await keys.self.delete(actorOf(c));
      return c.body(null, 204);
    });
