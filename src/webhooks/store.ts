import { sql } from 'kysely';
import type { AuditEvent } from '../audit/event.ts';
import { toEvent } from '../audit/row.ts';
import type { Db } from '../db/tables.ts';
import { EventId } from '../lib/brand.ts';
import { type EndingKey, type Message, REPORTED } from './message.ts';

/** A message that waits. `nextAt`: when it is sent, in milliseconds since 1970. */
export type Waiting = Message & Readonly<{ attempts: number; nextAt: number }>;

/** Up to which audit event there are messages. The first time, that is the last event: older ones get none. */
export async function readPosition(db: Db): Promise<EventId> {
  const position = await db.selectFrom('webhook_position').select('event_id').executeTakeFirst();
  if (position) return position.event_id;
  const last = await db
    .selectFrom('audit_events')
    .select('id')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const event_id = last?.id ?? EventId(0);
  await db
    .insertInto('webhook_position')
    .values({ id: 1, event_id })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return event_id;
}

export const writePosition = (db: Db, eventId: EventId) =>
  db.updateTable('webhook_position').set({ event_id: eventId }).where('event_id', '<', eventId).execute();

const actions = Object.keys(REPORTED);

/** The events after a position that become messages, the oldest first. */
export async function eventsAfter(db: Db, position: EventId, limit: number): Promise<AuditEvent[]> {
  const rows = await db
    .selectFrom('audit_events')
    .selectAll()
    .where('id', '>', position)
    .where('action', 'in', actions)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(toEvent);
}

/** The last event after a position that is older than a moment. */
export async function lastEventBefore(db: Db, position: EventId, at: number): Promise<EventId | undefined> {
  const last = await db
    .selectFrom('audit_events')
    .select('id')
    .where('id', '>', position)
    .where('at', '<', at)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last?.id;
}

/** The place of a key in the order of their ends. */
export type EndPosition = Pick<EndingKey, 'expires_at' | 'id'>;

/** The active keys that end until a moment, those after a position first. The listing of keys has an index for it. */
export async function keysThatEnd(
  db: Db,
  after: EndPosition,
  until: number,
  limit: number,
): Promise<EndingKey[]> {
  const { rows } = await sql<EndingKey>`
    select key.id, key.hint, key.label, key.owner, key.created_at, key.expires_at
    from api_key_listing as listed cross join api_keys as key
    where key.id = listed.id and key.is_active = 1 and listed.expires_at <= ${until}
      and (listed.expires_at, listed.id) > (${after.expires_at}, ${after.id})
    order by listed.expires_at, listed.id limit ${limit}
  `.execute(db);
  return rows;
}

/** Adds messages that are not there, also not as sent ones. Nothing is written when there are none. */
export async function addMessages(db: Db, messages: readonly Message[], at: number): Promise<void> {
  if (messages.length === 0) return;
  const ids = messages.map(({ id }) => id);
  const known = await db.selectFrom('webhook_messages').select('id').where('id', 'in', ids).execute();
  const knownIds = new Set(known.map(({ id }) => id));
  const rows = messages
    .filter(({ id }) => !knownIds.has(id))
    .map(({ id, body }) => ({ id, body, attempts: 0, next_at: at, done_at: null }));
  if (rows.length === 0) return;
  await db
    .insertInto('webhook_messages')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The messages whose time has come, the oldest first. */
export async function due(db: Db, now: number, limit: number): Promise<Waiting[]> {
  const rows = await db
    .selectFrom('webhook_messages')
    .select(['id', 'body', 'attempts', 'next_at'])
    .where('next_at', '<=', now)
    .orderBy('next_at')
    .limit(limit)
    .execute();
  return rows.map(({ id, body, attempts, next_at }) => ({ id, body, attempts, nextAt: next_at ?? now }));
}

/** Takes a message for a while. @returns whether no other process was faster */
export async function claim(db: Db, { id, nextAt }: Waiting, until: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('webhook_messages')
    .set({ next_at: until })
    .where('id', '=', id)
    .where('next_at', '=', nextAt)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export const markSent = (db: Db, id: string, at: number) =>
  db.updateTable('webhook_messages').set({ next_at: null, done_at: at }).where('id', '=', id).execute();

export const postpone = (db: Db, id: string, attempts: number, nextAt: number) =>
  db.updateTable('webhook_messages').set({ attempts, next_at: nextAt }).where('id', '=', id).execute();

/** Sent messages are kept for a while, so that none is made twice. */
export const forgetSent = (db: Db, before: number) =>
  db.deleteFrom('webhook_messages').where('done_at', '<', before).execute();
