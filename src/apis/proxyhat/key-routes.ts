import { createRoute, z } from '@hono/zod-openapi';
import { actorOf } from '../../http/context.ts';
import { createRouter } from '../../http/router.ts';
import { DEFAULT_SORT } from '../../keys/cursor.ts';
import type { ApiKey } from '../../keys/key.ts';
import type { KeyListing } from '../../keys/listing.ts';
import type { KeyService } from '../../keys/service.ts';
import { type Actor, clientOf } from '../../lib/principal.ts';
import { needsNoScope } from '../required-scope.ts';
import { bodyFailures, busy, failureResponses, guardFailures, invalid, overloaded } from './responses.ts';
import {
  DEFAULT_KEY_NAME,
  KeyNameSchema,
  KeyParamsSchema,
  KeySchema,
  keyIdOf,
  NewKeySchema,
  presentKey,
  presentNewKey,
} from './schemas.ts';

const common = { tags: ['ProxyHat'], ...needsNoScope };
const params = { params: KeyParamsSchema };
const newKey = {
  description: 'The key, and the only answer with its secret',
  content: { 'application/json': { schema: NewKeySchema } },
};

const listKeys = createRoute({
  ...common,
  method: 'get',
  path: '/v1/profile/api-keys',
  operationId: 'proxyhatListKeys',
  summary: 'List your API keys',
  description: 'Lists all active keys of the account, the newest first.',
  responses: {
    200: { description: 'The keys', content: { 'application/json': { schema: z.array(KeySchema) } } },
    ...failureResponses(...guardFailures, busy),
  },
});

const createKey = createRoute({
  ...common,
  method: 'post',
  path: '/v1/profile/api-keys',
  operationId: 'proxyhatCreateKey',
  summary: 'Create an API key',
  description: 'Makes a key that belongs to the account and has no scopes. The body is optional.',
  request: { body: { required: false, content: { 'application/json': { schema: KeyNameSchema } } } },
  responses: {
    201: newKey,
    ...failureResponses(
      ...bodyFailures,
      invalid('name', 'must be at most 200 characters'),
      ...guardFailures,
      overloaded,
      busy,
    ),
  },
});

const deleteKey = createRoute({
  ...common,
  method: 'delete',
  path: '/v1/profile/api-keys/{id}',
  operationId: 'proxyhatDeleteKey',
  summary: 'Delete an API key',
  description: 'Deletes a key of the account. You cannot undo this.',
  request: params,
  responses: {
    204: { description: 'The key is deleted' },
    ...failureResponses(
      ...guardFailures,
      { code: 'insufficient_scope', reason: 'scopes', scopes: ['invoices:read'] },
      { code: 'api_key_not_found' },
      { code: 'last_active_api_key_required' },
      busy,
    ),
  },
});

const regenerateKey = createRoute({
  ...common,
  method: 'post',
  path: '/v1/profile/api-keys/{id}/regenerate',
  operationId: 'proxyhatRegenerateKey',
  summary: 'Regenerate an API key',
  description:
    'Gives a key a new secret. The key keeps its id, and the old secret is refused at once. For a key with the scope `*`, `keys:write`, `audit:read`, `lockouts:write` or `proxyos:admin`, sign in less than 15 minutes before.',
  request: params,
  responses: {
    200: newKey,
    ...failureResponses(
      ...guardFailures,
      { code: 'insufficient_scope', reason: 'scopes', scopes: ['invoices:read'] },
      { code: 'recent_sign_in_required' },
      { code: 'api_key_not_found' },
      { code: 'api_key_not_usable' },
      overloaded,
      busy,
    ),
  },
});

/** The largest page of the listing. */
const PAGE = 1_000;

export type KeyRouteParts = { keys: KeyService; listing: KeyListing };

export const keyRoutes = ({ keys, listing }: KeyRouteParts) => {
  /** The original has no pages. */
  async function listAll(viewer: Actor): Promise<ApiKey[]> {
    const all: ApiKey[] = [];
    let cursor: string | undefined;
    do {
      const request = { filters: { status: 'active' as const }, sort: DEFAULT_SORT, limit: PAGE, cursor };
      const page = await listing.list({ ...request, viewer, client: clientOf(viewer.principal) });
      all.push(...page.keys);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return all;
  }

  return createRouter()
    .openapi(listKeys, async (c) => c.json((await listAll(actorOf(c))).map(presentKey), 200))
    .openapi(createKey, async (c) => {
      const { name = DEFAULT_KEY_NAME } = c.req.valid('json') ?? {};
      const { key, rawKey } = await keys.create({ label: name, scopes: [] }, actorOf(c));
      return c.json(presentNewKey(key, rawKey), 201);
    })
    .openapi(deleteKey, async (c) => {
      await keys.delete(keyIdOf(c.req.valid('param').id), actorOf(c));
      return c.body(null, 204);
    })
    .openapi(regenerateKey, async (c) => {
      const { key, rawKey } = await keys.regenerate(keyIdOf(c.req.valid('param').id), actorOf(c));
      return c.json(presentNewKey(key, rawKey), 200);
    });
};
