import type { Insertable, Selectable } from 'kysely';
import type { AuditEventTable } from '../db/tables.ts';
import { AccountId, KeyId } from '../lib/brand.ts';
import type { Action, AuditActor, AuditEvent, NewEvent } from './event.ts';

export function fromEvent(event: NewEvent): Insertable<AuditEventTable> {
  const { actor } = event;
  return {
    at: event.at,
    action: event.action,
    actor_kind: actor.kind,
    actor_id: actor.kind === 'key' ? actor.id : null,
    actor_hint: actor.kind === 'key' ? actor.hint : null,
    actor_label: 'label' in actor ? actor.label : null,
    actor_account: accountOf(actor),
    address: event.address,
    key_id: event.keyId,
    account_id: event.accountId ?? null,
    changes: JSON.stringify(event.changes),
    request_id: event.requestId,
  };
}

function accountOf(actor: AuditActor): AccountId | null {
  if (actor.kind === 'account') return actor.id;
  return actor.kind === 'key' ? (actor.account ?? null) : null;
}

export const toEvent = (row: Selectable<AuditEventTable>): AuditEvent => ({
  id: row.id,
  at: row.at,
  action: row.action as Action,
  actor: actorOf(row),
  address: row.address,
  keyId: row.key_id,
  accountId: row.account_id,
  changes: JSON.parse(row.changes),
  requestId: row.request_id,
});

function actorOf(row: Selectable<AuditEventTable>): AuditActor {
  const kind = row.actor_kind as AuditActor['kind'];
  if (kind === 'account')
    return { kind, id: AccountId(row.actor_account ?? ''), label: row.actor_label ?? '' };
  if (kind === 'gateway') return { kind, label: row.actor_label ?? '' };
  if (kind === 'management') return { kind, label: row.actor_label ?? '' };
  if (kind !== 'key') return { kind };
  return {
    kind,
    id: KeyId(row.actor_id ?? 0),
    hint: row.actor_hint ?? '',
    label: row.actor_label ?? '',
  };
}
