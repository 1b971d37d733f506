import { createRoute } from '@hono/zod-openapi';
import type { SessionService } from '../../accounts/session-service.ts';
import { actorOf } from '../../http/context.ts';
import { authenticationCodes, invalid, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import { needsAccount } from '../required-scope.ts';
import { presentSession, SessionParamsSchema, SessionsSchema } from './people-schemas.ts';

const common = { tags: ['Your own account'], ...needsAccount };
const personCodes = [
  ...authenticationCodes,
  'invalid_session',
  'account_only',
  'two_factor_setup_required',
] as const;

const listSessions = createRoute({
  ...common,
  method: 'get',
  path: '/auth/sessions',
  operationId: 'listSessions',
  summary: 'List your sessions',
  description: 'Lists the sessions and access tokens of the person who is signed in, the newest first.',
  responses: {
    200: { description: 'The sessions', content: { 'application/json': { schema: SessionsSchema } } },
    ...problemResponses(...personCodes),
  },
});

const endSession = createRoute({
  ...common,
  method: 'delete',
  path: '/auth/sessions/{id}',
  operationId: 'endSession',
  summary: 'End one of your sessions',
  description: 'Ends a session or an access token at once.',
  request: { params: SessionParamsSchema },
  responses: {
    204: { description: 'The session is over' },
    ...problemResponses(
      invalid('id', 'must be a positive integer'),
      ...personCodes,
      'cross_site_request',
      'session_not_found',
      'database_busy',
    ),
  },
});

export type SessionRouteParts = { sessions: SessionService };

export const sessionRoutes = ({ sessions }: SessionRouteParts) =>
  createRouter()
    .openapi(listSessions, async (c) => {
      const actor = actorOf(c);
      const current = actor.principal.kind === 'account' ? actor.principal.sessionId : undefined;
      const found = await sessions.list(actor);
      return c.json({ sessions: found.map((session) => presentSession(session, current)) }, 200);
    })
    .openapi(endSession, async (c) => {
      await sessions.end(c.req.valid('param').id, actorOf(c));
      return c.body(null, 204);
    });
