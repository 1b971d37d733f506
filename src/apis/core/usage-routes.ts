import { createRoute } from '@hono/zod-openapi';
import { actorOf } from '../../http/context.ts';
import { guardCodes, invalid, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import type { KeyService } from '../../keys/service.ts';
import type { UsageReport } from '../../usage/report.ts';
import { needs } from '../required-scope.ts';
import { KeyParamsSchema } from './key-schemas.ts';
import {
  MostUsedQuerySchema,
  MostUsedSchema,
  presentMostUsed,
  presentUsage,
  UsageQuerySchema,
  UsageSchema,
} from './usage-schemas.ts';

const common = { tags: ['Usage'], ...needs('usage:read') };
const usage = {
  description: 'The verifications by hour or day',
  content: { 'application/json': { schema: UsageSchema } },
};
const badBucket = invalid('bucket', 'must be hour or day');

const ofAllKeys = createRoute({
  ...common,
  method: 'get',
  path: '/auth/usage',
  operationId: 'getUsage',
  summary: 'Count the verifications of all keys',
  description:
    'Counts the verifications of all keys together, by hour or by day, also those of keys that are deleted since. A member, and a key of a member, get the sum of the keys that the account has now. The counts can be ten seconds late.',
  request: { query: UsageQuerySchema },
  responses: { 200: usage, ...problemResponses(badBucket, ...guardCodes) },
});

const mostUsed = createRoute({
  ...common,
  method: 'get',
  path: '/auth/usage/keys',
  operationId: 'listMostUsedKeys',
  summary: 'List the most used keys',
  description:
    'Lists the keys with the most verifications in a period, also refused ones, with their counts. A key that is deleted since has no label and no hint. A member, and a key of a member, get the keys that the account has now. The period consists of whole hours or days, as those of `GET /auth/usage`. The counts can be ten seconds late.',
  request: { query: MostUsedQuerySchema },
  responses: {
    200: {
      description: 'The keys with the most verifications',
      content: { 'application/json': { schema: MostUsedSchema } },
    },
    ...problemResponses(
      invalid('limit', 'must be a whole number from 1 to 100'),
      ...guardCodes,
      'database_busy',
    ),
  },
});

const ofKey = createRoute({
  ...common,
  method: 'get',
  path: '/auth/keys/{id}/usage',
  operationId: 'getKeyUsage',
  summary: 'Count the verifications of a key',
  description:
    'Counts the verifications of one key by hour or by day. Management requests with the key do not count. The counts can be ten seconds late.',
  request: { params: KeyParamsSchema, query: UsageQuerySchema },
  responses: { 200: usage, ...problemResponses(badBucket, ...guardCodes, 'api_key_not_found') },
});

export type UsageRouteParts = { keys: KeyService; usageReport: UsageReport };

export const usageRoutes = ({ keys, usageReport }: UsageRouteParts) =>
  createRouter()
    .openapi(ofAllKeys, async (c) =>
      c.json(presentUsage(await usageReport.ofAllKeys(c.req.valid('query'), actorOf(c))), 200),
    )
    .openapi(mostUsed, async (c) => {
      const { limit, ...period } = c.req.valid('query');
      return c.json(presentMostUsed(await usageReport.mostUsed(period, limit, actorOf(c))), 200);
    })
    .openapi(ofKey, async (c) => {
      const { id } = await keys.get(c.req.valid('param').id, actorOf(c));
      return c.json(presentUsage(await usageReport.ofKey(id, c.req.valid('query'))), 200);
    });
