import type { Insertable, Selectable } from 'kysely';
import type { AuditEventTable } from '../db/tables.ts';
import { KeyId } from '../lib/brand.ts';
import type { Action, AuditActor, AuditEvent, NewEvent } from './event.ts';

export function fromEvent(event: NewEvent): Insertable<AuditEventTable> {
  const { actor } = event;
  const named = actor.kind === 'key' ? actor : undefined;
  return {
    at: event.at,
    action: event.action,
    actor_kind: actor.kind,
    actor_id: named?.id ?? null,
    actor_hint: named?.hint ?? null,
    actor_label: named?.label ?? null,
    address: event.address,
    key_id: event.keyId,
    changes: JSON.stringify(event.changes),
    request_id: event.requestId,
  };
}

export const toEvent = (row: Selectable<AuditEventTable>): AuditEvent => ({
  id: row.id,
  at: row.at,
  action: row.action as Action,
  actor: actorOf(row),
  address: row.address,
  keyId: row.key_id,
  changes: JSON.parse(row.changes),
  requestId: row.request_id,
});

function actorOf(row: Selectable<AuditEventTable>): AuditActor {
  const kind = row.actor_kind as AuditActor['kind'];
  if (kind !== 'key') return { kind };
  return {
    kind,
    id: KeyId(row.actor_id ?? 0),
    hint: row.actor_hint ?? '',
    label: row.actor_label ?? '',
  };
}
