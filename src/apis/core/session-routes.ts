import { createRoute } from '@hono/zod-openapi';
import type { SessionService } from '../../accounts/session-service.ts';
import { actorOf } from '../../http/context.ts';
import { authenticationCodes, invalid, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import { SESSION_COOKIE, type SessionCookies } from '../../http/session-cookie.ts';
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
  description:
    'Ends a session or an access token at once. If it is the session of the request, the answer removes the cookie.',
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

export type SessionRouteParts = { sessions: SessionService; cookies: SessionCookies };

export const sessionRoutes = ({ sessions, cookies }: SessionRouteParts) =>
  createRouter()
    .openapi(listSessions, async (c) => {
      const actor = actorOf(c);
      const current = actor.principal.kind === 'account' ? actor.principal.sessionId : undefined;
      const found = await sessions.list(actor);
      return c.json({ sessions: found.map((session) => presentSession(session, current)) }, 200);
    })
    .openapi(endSession, async (c) => {
      const actor = actorOf(c);
      const { id } = c.req.valid('param');
      await sessions.end(id, actor);
      const { principal } = actor;
      if (principal.kind === 'account' && principal.sessionId === id) cookies.clear(c, SESSION_COOKIE);
      return c.body(null, 204);
    });
