import { createRoute } from '@hono/zod-openapi';
import type { CheckPassword } from '../../accounts/confirmation.ts';
import { actorOf } from '../../http/context.ts';
import { guardCodes, invalid, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import type { ApiKey } from '../../keys/key.ts';
import type { KeyListing } from '../../keys/listing.ts';
import type { KeyService } from '../../keys/service.ts';
import type { Clock } from '../../lib/clock.ts';
import { clientOf } from '../../lib/principal.ts';
import { needs } from '../required-scope.ts';
import { changeCodes } from './change-codes.ts';
import { aKey, aNewKey, graceOf } from './key-answers.ts';
import { CreateKeySchema, UpdateKeySchema } from './key-change-schemas.ts';
import { KeyParamsSchema, presentKey, RotateKeySchema } from './key-schemas.ts';
import { KeyPageSchema, ListQuerySchema } from './list-schemas.ts';
import { ConfirmationSchema } from './people-schemas.ts';

const common = { tags: ['Keys'] };
const badId = invalid('id', 'must be a positive integer');
const badLabel = invalid('label', 'must be at most 200 characters');
const params = { params: KeyParamsSchema };
const retireCodes = ['api_key_not_found', 'last_active_api_key_required', 'api_key_declared'] as const;

const listKeys = createRoute({
  ...common,
  ...needs('keys:read'),
  method: 'get',
  path: '/auth/keys',
  operationId: 'listKeys',
  summary: 'List keys',
  description:
    'Lists the keys that match all filters, the newest first. A page has 100 keys unless `limit` says otherwise.',
  request: { query: ListQuerySchema },
  responses: {
    200: { description: 'A page of keys', content: { 'application/json': { schema: KeyPageSchema } } },
    ...problemResponses(
      invalid('limit', 'must be a whole number from 1 to 1000'),
      ...guardCodes,
      'database_busy',
    ),
  },
});

const createKey = createRoute({
  ...common,
  ...needs('keys:write'),
  method: 'post',
  path: '/auth/keys',
  operationId: 'createKey',
  summary: 'Create a key',
  description:
    'Generates a key. The answer is the only one that contains the raw key. The request body is optional. Without `scopes`, the new key can do what the key of the request can: with `*`, it can manage all keys. The new key never holds more scopes than its maker, never outlives it, and is never allowed from more addresses. With a session, a key that can manage keys, read the audit log or lift the lockout needs `password` or a sign-in of the last 15 minutes. The same is true for the other routes that make or widen such a key.',
  request: { body: { required: false, content: { 'application/json': { schema: CreateKeySchema } } } },
  responses: {
    201: aNewKey,
    ...problemResponses(badLabel, ...changeCodes),
  },
});

const getKey = createRoute({
  ...common,
  ...needs('keys:read'),
  method: 'get',
  path: '/auth/keys/{id}',
  operationId: 'getKey',
  summary: 'Get a key',
  description: 'Reads one key. The raw key is not part of the answer.',
  request: params,
  responses: { 200: aKey, ...problemResponses(badId, ...guardCodes, 'api_key_not_found') },
});

const updateKey = createRoute({
  ...common,
  ...needs('keys:write'),
  method: 'patch',
  path: '/auth/keys/{id}',
  operationId: 'updateKey',
  summary: 'Change a key',
  description:
    'Changes the settings that the body names. Each is replaced as a whole, `metadata` too. The raw key stays the same. A key cannot give itself more than it has. A member can activate and change their own keys 300 times in an hour.',
  request: {
    ...params,
    body: { required: true, content: { 'application/json': { schema: UpdateKeySchema } } },
  },
  responses: {
    200: aKey,
    ...problemResponses(
      badLabel,
      ...changeCodes,
      ...retireCodes,
      'caller_would_be_locked_out',
      'rate_limited',
    ),
  },
});

const activateKey = createRoute({
  ...common,
  ...needs('keys:write'),
  method: 'post',
  path: '/auth/keys/{id}/activate',
  operationId: 'activateKey',
  summary: 'Activate a key',
  description:
    'Makes an inactive key valid again. Nothing happens if the key is active. An expired key also needs a later expiry. The request body is optional. A member can activate and change their own keys 300 times in an hour.',
  request: {
    ...params,
    body: { required: false, content: { 'application/json': { schema: ConfirmationSchema } } },
  },
  responses: {
    200: aKey,
    ...problemResponses(badId, ...changeCodes, 'api_key_not_found', 'api_key_declared', 'rate_limited'),
  },
});

const deactivateKey = createRoute({
  ...common,
  ...needs('keys:write'),
  method: 'post',
  path: '/auth/keys/{id}/deactivate',
  operationId: 'deactivateKey',
  summary: 'Deactivate a key',
  description:
    'Makes a key invalid. Requests that start after the answer are refused. You can activate the key again. The last key that can manage all keys cannot be deactivated.',
  request: params,
  responses: {
    200: aKey,
    ...problemResponses(badId, ...guardCodes, ...retireCodes, 'database_busy'),
  },
});

const deleteKey = createRoute({
  ...common,
  ...needs('keys:write'),
  method: 'delete',
  path: '/auth/keys/{id}',
  operationId: 'deleteKey',
  summary: 'Delete a key',
  description:
    'Deletes a key. You cannot undo this. No other key gets the same id. The last key that can manage all keys cannot be deleted.',
  request: params,
  responses: {
    204: { description: 'The key is deleted' },
    ...problemResponses(badId, ...guardCodes, ...retireCodes, 'database_busy'),
  },
});

const rotateKey = createRoute({
  ...common,
  ...needs('keys:write'),
  method: 'post',
  path: '/auth/keys/{id}/rotate',
  operationId: 'rotateKey',
  summary: 'Rotate a key',
  description:
    'Makes a successor with the same settings and a new raw key. The old key stays valid until the grace ends. The request body is optional.',
  request: {
    ...params,
    body: { required: false, content: { 'application/json': { schema: RotateKeySchema } } },
  },
  responses: {
    201: aNewKey,
    ...problemResponses(
      invalid('grace', 'must be at most 90 days'),
      ...changeCodes,
      'api_key_not_found',
      'api_key_declared',
      'api_key_already_rotated',
      'api_key_not_usable',
    ),
  },
});

const byActivation = 'is changed by POST /auth/keys/{id}/activate and POST /auth/keys/{id}/deactivate';

/** Fields of a key that a client may try to set. */
const hints = new Map([
  ['is_active', byActivation],
  ['status', byActivation],
  ['prefix', 'cannot change. Choose it when you create a key'],
]);

export type KeyRouteParts = {
  keys: KeyService;
  listing: KeyListing;
  /** A person gives the password for a key that can manage keys. */
  checkPassword: CheckPassword;
  clock: Pick<Clock, 'now'>;
};

export const keyRoutes = ({ keys, listing, checkPassword, clock }: KeyRouteParts) => {
  const present = (key: ApiKey) => presentKey(key, clock.now());
  return createRouter(hints)
    .openapi(listKeys, async (c) => {
      const { sort, limit, cursor, account_id: account, ...filters } = c.req.valid('query');
      const viewer = actorOf(c);
      const client = clientOf(viewer.principal);
      const page = await listing.list({
        filters: { ...filters, account },
        sort,
        limit,
        cursor,
        viewer,
        client,
      });
      const next = page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor };
      return c.json({ keys: page.keys.map(present), ...next }, 200);
    })
    .openapi(createKey, async (c) => {
      // Without a body, the validator does not run.
      const { chosen = {}, password } = c.req.valid('json');
      const { key, rawKey } = await keys.create(chosen, await checkPassword(actorOf(c), password));
      return c.json({ ...present(key), raw_key: rawKey }, 201, { Location: `/auth/keys/${key.id}` });
    })
    .openapi(getKey, async (c) => c.json(present(await keys.get(c.req.valid('param').id, actorOf(c))), 200))
    .openapi(updateKey, async (c) => {
      const { chosen, force, password } = c.req.valid('json');
      const actor = await checkPassword(actorOf(c), password);
      return c.json(present(await keys.update(c.req.valid('param').id, chosen, force, actor)), 200);
    })
    .openapi(activateKey, async (c) => {
      const actor = await checkPassword(actorOf(c), c.req.valid('json').password);
      return c.json(present(await keys.activate(c.req.valid('param').id, actor)), 200);
    })
    .openapi(deactivateKey, async (c) =>
      c.json(present(await keys.deactivate(c.req.valid('param').id, actorOf(c))), 200),
    )
    .openapi(rotateKey, async (c) => {
      const { password, ...given } = c.req.valid('json');
      const actor = await checkPassword(actorOf(c), password);
      const { key, rawKey } = await keys.rotate(c.req.valid('param').id, graceOf(given), actor);
      return c.json({ ...present(key), raw_key: rawKey }, 201, { Location: `/auth/keys/${key.id}` });
    })
    .openapi(deleteKey, async (c) => {
      await keys.delete(c.req.valid('param').id, actorOf(c));
      return c.body(null, 204);
    });
};
