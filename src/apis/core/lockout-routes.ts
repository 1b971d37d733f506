import { createRoute } from '@hono/zod-openapi';
import { actorOf } from '../../http/context.ts';
import { guardCodes, invalid, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import type { LockoutService } from '../../lockout/service.ts';
import { publicLockout } from '../../lockout/wire.ts';
import { needs } from '../required-scope.ts';
import { LockoutParamsSchema, LockoutsSchema } from './lockout-schemas.ts';

const common = { tags: ['Lockouts'], ...needs('lockouts:write') };

const listLockouts = createRoute({
  ...common,
  method: 'get',
  path: '/auth/lockouts',
  operationId: 'listLockouts',
  summary: 'List lockouts',
  description:
    'Lists the addresses and e-mail addresses that are locked out, and those with failed attempts. With several replicas, each lists all locks, and its own failed attempts.',
  responses: {
    200: { description: 'The addresses', content: { 'application/json': { schema: LockoutsSchema } } },
    ...problemResponses(...guardCodes),
  },
});

const clearLockout = createRoute({
  ...common,
  method: 'delete',
  path: '/auth/lockouts/{address}',
  operationId: 'clearLockout',
  summary: 'End a lockout',
  description:
    'Ends the lockouts of an address or an e-mail address and forgets its failed attempts, on all workers and replicas. Nothing happens if there are none.',
  request: { params: LockoutParamsSchema },
  responses: {
    204: { description: 'The address is not locked out' },
    ...problemResponses(
      invalid('address', 'must be an IPv4 address, an IPv6 address or its /64 network, or an e-mail address'),
      ...guardCodes,
      'database_busy',
    ),
  },
});

export type LockoutRouteParts = { lockouts: LockoutService };

export const lockoutRoutes = ({ lockouts }: LockoutRouteParts) =>
  createRouter()
    .openapi(listLockouts, async (c) => {
      const entries = await lockouts.list();
      return c.json({ lockouts: entries.map(publicLockout) }, 200);
    })
    .openapi(clearLockout, async (c) => {
      await lockouts.clear(c.req.valid('param').address, actorOf(c));
      return c.body(null, 204);
    });
