import { createRoute, z } from '@hono/zod-openapi';
import type { TypedResponse } from 'hono';
import type { AuditLog } from '../../audit/log.ts';
import { actorOf } from '../../http/context.ts';
import { guardCodes, invalid, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import type { AudienceOf } from '../../keys/audience.ts';
import { DomainError } from '../../lib/failure.ts';
import { clientOf } from '../../lib/principal.ts';
import { needs } from '../required-scope.ts';
import { AuditPageSchema, AuditQuerySchema, cursorOf, presentEvent } from './audit-schemas.ts';
import { linesOf } from './audit-stream.ts';

const NDJSON = 'application/x-ndjson';

const LinesSchema = z.string().openapi({ description: 'An `AuditEvent` as JSON on each line' });

/** The types of the framework know one format for each status. */
type TextResponse = Response & TypedResponse<string, 200, 'json'>;

const listEvents = createRoute({
  ...needs('audit:read'),
  method: 'get',
  path: '/auth/audit',
  operationId: 'listAuditEvents',
  tags: ['Audit'],
  summary: 'List audit events',
  description:
    'Lists who changed what, the newest first. A page has 100 events unless `limit` says otherwise. With `format=ndjson`, the answer is a stream of all events that match, one JSON object on each line. The stream ends early when the key of the request is revoked. A member, and a key of a member, see the events of their own account and its keys, and what they did.',
  request: { query: AuditQuerySchema },
  responses: {
    200: {
      description: 'A page of events, or all of them',
      content: {
        'application/json': { schema: AuditPageSchema },
        [NDJSON]: { schema: LinesSchema },
      },
    },
    ...problemResponses(
      invalid('action', 'must be one of key.created, key.updated'),
      ...guardCodes,
      'database_busy',
    ),
  },
});

export type AuditRouteParts = {
  auditLog: AuditLog;
  audienceOf: AudienceOf;
};

export const auditRoutes = ({ auditLog, audienceOf }: AuditRouteParts) =>
  createRouter().openapi(listEvents, async (c) => {
    const { selection: asked, limit, cursor, format } = c.req.valid('query');
    const actor = actorOf(c);
    const visibleTo = await audienceOf(actor);
    const selection = { ...asked, visibleTo };
    // A search in a long log must not go on for a client that is gone.
    const isWanted = () => !c.env.incoming.socket.destroyed;
    const reader = { client: clientOf(actor.principal), isWanted };
    if (format === 'ndjson') {
      const lines = linesOf({
        batches: auditLog.read(selection, reader),
        assertMayContinue: async () => {
          const isSame = (await audienceOf(actor)) === visibleTo;
          if (!isSame) throw new DomainError({ code: 'invalid_session' });
        },
        breakOff: () => c.env.outgoing.destroy(),
      });
      return c.newResponse(lines, 200, { 'Content-Type': NDJSON }) as TextResponse;
    }
    const { events, next } = await auditLog.page(selection, limit, cursor, reader);
    const more = next ? { next_cursor: cursorOf(next) } : {};
    return c.json({ events: events.map(presentEvent), ...more }, 200);
  });
