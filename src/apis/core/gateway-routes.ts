import { createRoute } from '@hono/zod-openapi';
import type { GatewayControl } from '../../gateway-file/overview.ts';
import { actorOf } from '../../http/context.ts';
import { guardCodes, invalid, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import { DomainError } from '../../lib/failure.ts';
import { needsAdmin } from '../required-scope.ts';
import {
  ConnectionSchema,
  ConnectParamsSchema,
  GatewaySchema,
  GatewaySessionParamsSchema,
  GatewayUsageSchema,
  presentGateway,
  presentUsage,
} from './gateway-schemas.ts';

const common = { tags: ['Gateway'], ...needsAdmin };
const changeCodes = [...guardCodes, 'cross_site_request', 'not_found', 'database_busy'] as const;

const getGateway = createRoute({
  ...common,
  method: 'get',
  path: '/auth/gateway',
  operationId: 'getGateway',
  summary: 'Get the state of the gateway',
  description:
    'Shows the upstreams of the gateway, its OAuth sessions, and whether the last change of its file is in force. No credential is in the answer.',
  responses: {
    200: {
      description: 'The state of the gateway',
      content: { 'application/json': { schema: GatewaySchema } },
    },
    ...problemResponses(...guardCodes),
  },
});

const getGatewayUsage = createRoute({
  ...common,
  method: 'get',
  path: '/auth/gateway/usage',
  operationId: 'getGatewayUsage',
  summary: 'See what keys ask of which models',
  description:
    'Lists the requests and tokens of the gateway since its first start, by key and model. Deleted keys stay in the list.',
  responses: {
    200: {
      description: 'The keys and models with the most requests',
      content: { 'application/json': { schema: GatewayUsageSchema } },
    },
    ...problemResponses(...guardCodes, 'not_found'),
  },
});

const connectProvider = createRoute({
  ...common,
  method: 'post',
  path: '/auth/gateway/oauth/{provider}',
  operationId: 'connectGatewayProvider',
  summary: 'Connect an OAuth provider',
  description:
    'Begins a sign-in at an OAuth provider and returns the page to open. When the sign-in succeeds, the session is in `GET /auth/gateway`.',
  request: { params: ConnectParamsSchema },
  responses: {
    200: {
      description: 'The page of the provider',
      content: { 'application/json': { schema: ConnectionSchema } },
    },
    ...problemResponses(invalid('provider', 'has no settings in the file of the gateway'), ...changeCodes),
  },
});

const endGatewaySession = createRoute({
  ...common,
  method: 'delete',
  path: '/auth/gateway/sessions/{id}',
  operationId: 'endGatewaySession',
  summary: 'End an OAuth session of the gateway',
  description: 'Deletes the tokens of the session. The gateway then no longer uses them.',
  request: { params: GatewaySessionParamsSchema },
  responses: {
    204: { description: 'The session is over' },
    ...problemResponses(...changeCodes, 'session_not_found'),
  },
});

/** `gateway`: undefined when there is none. */
export type GatewayRouteParts = { gateway: GatewayControl | undefined };

export function gatewayRoutes({ gateway }: GatewayRouteParts) {
  const existing = (): GatewayControl => {
    if (!gateway) throw new DomainError({ code: 'not_found' });
    return gateway;
  };
  return createRouter()
    .openapi(getGateway, async (c) =>
      c.json(gateway ? presentGateway(await gateway.overview()) : { gateway: null }, 200),
    )
    .openapi(getGatewayUsage, async (c) => c.json(presentUsage(await existing().usage()), 200))
    .openapi(connectProvider, async (c) =>
      c.json({ url: await existing().connect(c.req.valid('param').provider, actorOf(c)) }, 200),
    )
    .openapi(endGatewaySession, async (c) => {
      await existing().disconnect(c.req.valid('param').id, actorOf(c));
      return c.body(null, 204);
    });
}
