import { createRoute } from '@hono/zod-openapi';
import { principalOf } from '../../http/context.ts';
import {
  authenticationCodes,
  bodyCodes,
  invalid,
  problemResponses,
} from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import type { KeyService } from '../../keys/service.ts';
import {
  CreatedKeySchema,
  CreateKeySchema,
  KeyPageSchema,
  KeyParamsSchema,
  KeySchema,
  ListQuerySchema,
  presentKey,
  RenameKeySchema,
} from './key-schemas.ts';

const common = { tags: ['Keys'] };
const badId = invalid('id', 'must be a positive integer');
const badLabel = invalid('label', 'must be at most 200 characters');
const params = { params: KeyParamsSchema };
const aKey = { description: 'The key as it is now', content: { 'application/json': { schema: KeySchema } } };

const listKeys = createRoute({
  ...common,
  method: 'get',
  path: '/auth/keys',
  operationId: 'listKeys',
  summary: 'List keys',
  description: 'Lists all keys, the newest first. A page has 100 keys unless `limit` says otherwise.',
  request: { query: ListQuerySchema },
  responses: {
    200: { description: 'A page of keys', content: { 'application/json': { schema: KeyPageSchema } } },
    ...problemResponses(invalid('limit', 'must be a whole number from 1 to 1000'), ...authenticationCodes),
  },
});

const createKey = createRoute({
  ...common,
  method: 'post',
  path: '/auth/keys',
  operationId: 'createKey',
  summary: 'Create a key',
  description:
    'Generates a key. The answer is the only one that contains the raw key. The new key can manage all keys. The request body is optional.',
  request: { body: { required: false, content: { 'application/json': { schema: CreateKeySchema } } } },
  responses: {
    201: {
      description: 'The new key, with the raw key',
      headers: {
        Location: {
          description: 'The path of the new key',
          schema: { type: 'string' },
          example: '/auth/keys/2',
        },
      },
      content: { 'application/json': { schema: CreatedKeySchema } },
    },
    ...problemResponses(badLabel, ...bodyCodes, ...authenticationCodes, 'overloaded', 'database_busy'),
  },
});

const getKey = createRoute({
  ...common,
  method: 'get',
  path: '/auth/keys/{id}',
  operationId: 'getKey',
  summary: 'Get a key',
  description: 'Reads one key. The raw key is not part of the answer.',
  request: params,
  responses: { 200: aKey, ...problemResponses(badId, ...authenticationCodes, 'api_key_not_found') },
});

const renameKey = createRoute({
  ...common,
  method: 'patch',
  path: '/auth/keys/{id}',
  operationId: 'renameKey',
  summary: 'Rename a key',
  description: 'Changes the label of a key. The key itself stays the same.',
  request: {
    ...params,
    body: { required: true, content: { 'application/json': { schema: RenameKeySchema } } },
  },
  responses: {
    200: aKey,
    ...problemResponses(badLabel, ...bodyCodes, ...authenticationCodes, 'api_key_not_found', 'database_busy'),
  },
});

const activateKey = createRoute({
  ...common,
  method: 'post',
  path: '/auth/keys/{id}/activate',
  operationId: 'activateKey',
  summary: 'Activate a key',
  description: 'Makes an inactive key valid again. Nothing happens if the key is active.',
  request: params,
  responses: {
    200: aKey,
    ...problemResponses(badId, ...authenticationCodes, 'api_key_not_found', 'database_busy'),
  },
});

const deactivateKey = createRoute({
  ...common,
  method: 'post',
  path: '/auth/keys/{id}/deactivate',
  operationId: 'deactivateKey',
  summary: 'Deactivate a key',
  description:
    'Makes a key invalid. Requests that start after the answer are refused. You can activate the key again. The last active key cannot be deactivated.',
  request: params,
  responses: {
    200: aKey,
    ...problemResponses(
      badId,
      ...authenticationCodes,
      'api_key_not_found',
      'last_active_api_key_required',
      'database_busy',
    ),
  },
});

const deleteKey = createRoute({
  ...common,
  method: 'delete',
  path: '/auth/keys/{id}',
  operationId: 'deleteKey',
  summary: 'Delete a key',
  description:
    'Deletes a key. You cannot undo this. No other key gets the same id. The last active key cannot be deleted.',
  request: params,
  responses: {
    204: { description: 'The key is deleted' },
    ...problemResponses(
      badId,
      ...authenticationCodes,
      'api_key_not_found',
      'last_active_api_key_required',
      'database_busy',
    ),
  },
});

export const keyRoutes = (keys: KeyService) =>
  createRouter()
    .openapi(listKeys, async (c) => {
      const { limit, cursor } = c.req.valid('query');
      const page = await keys.list(limit, cursor);
      const next = page.nextCursor === undefined ? {} : { next_cursor: String(page.nextCursor) };
      return c.json({ keys: page.keys.map(presentKey), ...next }, 200);
    })
    .openapi(createKey, async (c) => {
      const { label = '' } = c.req.valid('json');
      const { key, rawKey } = await keys.create(label, principalOf(c));
      return c.json({ ...presentKey(key), raw_key: rawKey }, 201, { Location: `/auth/keys/${key.id}` });
    })
    .openapi(getKey, async (c) => c.json(presentKey(await keys.get(c.req.valid('param').id)), 200))
    .openapi(renameKey, async (c) => {
      const key = await keys.rename(c.req.valid('param').id, c.req.valid('json').label, principalOf(c));
      return c.json(presentKey(key), 200);
    })
    .openapi(activateKey, async (c) =>
      c.json(presentKey(await keys.activate(c.req.valid('param').id, principalOf(c))), 200),
    )
    .openapi(deactivateKey, async (c) =>
      c.json(presentKey(await keys.deactivate(c.req.valid('param').id, principalOf(c))), 200),
    )
    .openapi(deleteKey, async (c) => {
      await keys.delete(c.req.valid('param').id, principalOf(c));
      return c.body(null, 204);
    });
