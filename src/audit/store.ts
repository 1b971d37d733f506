import type { Tx } from '../db/tables.ts';
import type { NewEvent } from './event.ts';

/** Call it in the transaction of the change, so that there is no change without its event. */
export async function insertEvent(tx: Tx, event: NewEvent): Promise<void> {
  const { actor } = event;
  const named = actor.kind === 'key' ? actor : undefined;
  await tx
    .insertInto('audit_events')
    .values({
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
    })
    .execute();
}
