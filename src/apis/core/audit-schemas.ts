import { z } from '@hono/zod-openapi';
import { ACTIONS, ACTOR_KINDS, type AuditEvent, type Position } from '../../audit/event.ts';
import { optionalSeconds } from '../../keys/wire.ts';
import { AccountId, EventId, KeyId } from '../../lib/brand.ts';
import { DEFAULT_PAGE, nextCursor, once, pageSize, pageSizeOf } from './page-schemas.ts';
import { QueryTimeSchema } from './time-schemas.ts';

const positiveInteger = /^[1-9]\d{0,15}$/;

/** Milliseconds since 1970, and an id. */
const CURSOR = /^(\d{1,15})-([1-9]\d{0,15})$/;

function parseCursor(text: string): Position | undefined {
  const [, at, id] = CURSOR.exec(text) ?? [];
  return at === undefined ? undefined : { at: Number(at), id: EventId(Number(id)) };
}

export const cursorOf = ({ at, id }: Position) => `${at}-${id}`;

const keyId = (name: string, description: string) =>
  z
    .string(once)
    .regex(positiveInteger, { error: 'must be a positive integer' })
    .transform((text) => KeyId(Number(text)))
    .optional()
    .openapi({ param: { name, in: 'query', description }, type: 'integer', minimum: 1 });

const KEY_OR_ACCOUNT = /^(?:[1-9]\d{0,15}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i;

const actorOf = (text: string) =>
  text.includes('-') ? { actorAccount: AccountId(text.toLowerCase()) } : { actorKey: KeyId(Number(text)) };

const time = (name: string, description: string, example: string) =>
  QueryTimeSchema.optional().openapi({
    param: { name, in: 'query', description: `${description}: RFC 3339, or seconds since 1970` },
    type: 'string',
    example,
  });

const notInStream = { error: 'must be absent with format=ndjson, which sends all events' };

export const AuditQuerySchema = z
  .strictObject({
    limit: pageSize().optional().openapi(pageSizeOf('events')),
    cursor: z
      .string(once)
      .regex(CURSOR, { error: 'must be the next_cursor of an earlier page' })
      .transform(parseCursor)
      .optional()
      .openapi({
        param: { name: 'cursor', in: 'query', description: 'The `next_cursor` of the previous page' },
        type: 'string',
      }),
    key_id: keyId('key_id', 'The key that was changed'),
    actor: z
      .string(once)
      .regex(KEY_OR_ACCOUNT, { error: 'must be the id of a key or of an account' })
      .transform(actorOf)
      .optional()
      .openapi({
        param: {
          name: 'actor',
          in: 'query',
          description:
            'The key that made the change, or the account that did, also by a key that belongs to it',
        },
        type: 'string',
      }),
    action: z
      .enum(ACTIONS, { error: `must be one of ${ACTIONS.join(', ')}` })
      .optional()
      .openapi({ param: { name: 'action', in: 'query', description: 'What happened' } }),
    from: time('from', 'The earliest time', '2030-01-01T00:00:00Z'),
    to: time('to', 'The first moment after the latest time', '2030-02-01T00:00:00Z'),
    format: z
      .enum(['json', 'ndjson'], { error: 'must be json or ndjson' })
      .default('json')
      .openapi({
        param: {
          name: 'format',
          in: 'query',
          description: '`ndjson` sends all events of the selection, one on each line',
        },
      }),
  })
  .refine(({ format, limit }) => format === 'json' || limit === undefined, {
    path: ['limit'],
    ...notInStream,
  })
  .refine(({ format, cursor }) => format === 'json' || cursor === undefined, {
    path: ['cursor'],
    ...notInStream,
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    path: ['to'],
    error: 'must be later than from',
  })
  .transform(({ actor, key_id, limit = DEFAULT_PAGE, cursor, format, ...rest }) => ({
    limit,
    cursor,
    format,
    selection: { ...rest, keyId: key_id, ...actor },
  }));

const optional = <Schema extends z.ZodType>(schema: Schema, description: string, example: unknown) =>
  schema.nullable().openapi({ description, example });

export const AuditEventSchema = z
  .object({
    id: z.int().openapi({ description: 'The id of the event', example: 42 }),
    at: z
      .number()
      .openapi({ description: 'When it happened, in seconds since 1970', example: 1712345678.123 }),
    action: z.enum(ACTIONS).openapi({ description: 'What happened', example: 'key.updated' }),
    actor: z
      .object({
        kind: z.enum(ACTOR_KINDS).openapi({
          description:
            '`key`: a key. `account`: a person. `bootstrap`: the set-up, before there is a key. `gateway`: the file of a gateway. `management`: somebody with a management secret of the gateway. `operator`: a command on the machine of Keyhearth. `anonymous`: a client without a valid key',
        }),
        id: optional(z.union([z.int(), z.uuid()]), 'The id of the key, or of the account', 1),
        hint: optional(z.string(), 'The first characters of the key', 'kh_EXAMPLEex'),
        label: optional(
          z.string(),
          'The label that the key had then, the e-mail address of the account, or the name of the gateway',
          'operator',
        ),
      })
      .openapi({ description: 'Who did it' }),
    address: optional(z.string(), 'The address of the client', '198.51.100.7'),
    key_id: optional(z.int(), 'The key that was changed. It may be deleted since', 2),
    account_id: optional(
      z.uuid(),
      'The account that was changed, or that the key belonged to. It may be deleted since',
      null,
    ),
    changes: z.record(z.string(), z.object({ from: z.unknown(), to: z.unknown() })).openapi({
      description: 'The changed fields, with their values before and after. Never a secret',
      example: { label: { from: 'old', to: 'new' } },
    }),
    request_id: optional(
      z.string(),
      'The `X-Request-Id` of the request, which is also in the log',
      '0b3c6f0e-4f7a-4c1c-9d57-2b7d5a7c5a10',
    ),
  })
  .openapi('AuditEvent');

export const AuditPageSchema = z
  .object({
    events: z.array(AuditEventSchema).openapi({ description: 'Events, the newest first' }),
    next_cursor: nextCursor('1712345678123-41'),
  })
  .openapi('AuditPage');

export function presentEvent(event: AuditEvent): z.infer<typeof AuditEventSchema> {
  const { actor } = event;
  return {
    id: event.id,
    at: optionalSeconds(event.at) ?? 0,
    action: event.action,
    actor: {
      kind: actor.kind,
      id: 'id' in actor ? actor.id : null,
      hint: 'hint' in actor ? actor.hint : null,
      label: 'label' in actor ? actor.label : null,
    },
    address: event.address,
    key_id: event.keyId,
    account_id: event.accountId ?? null,
    changes: { ...event.changes } as Record<string, { from: unknown; to: unknown }>,
    request_id: event.requestId,
  };
}
