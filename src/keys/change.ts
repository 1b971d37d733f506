import type { NewEvent } from '../audit/event.ts';
import { insertEvent } from '../audit/store.ts';
import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { Clock } from '../lib/clock.ts';
import type { Actor } from '../lib/principal.ts';
import type { ApiKey } from './key.ts';
import type { OwnScope } from './scopes.ts';

/** Reads a principal again. Throws a DomainError unless it may still act from its address, and holds the scope. */
export type Revalidate = (
  handle: Db | Tx,
  actor: Pick<Actor, 'principal' | 'ip'>,
  scope: OwnScope | undefined,
) => Promise<ApiKey>;

export type ChangeParts = { db: Db; clock: Pick<Clock, 'now'>; revalidate: Revalidate };

/** Writes the audit event of a change, in its transaction. */
type RecordEvent = (event: Pick<NewEvent, 'action' | 'keyId' | 'changes'>) => Promise<void>;

export type Change = ReturnType<typeof createChange>;

/** Makes the function that runs a change in a transaction, with the actor as it is then. */
export const createChange =
  ({ db, clock, revalidate }: ChangeParts) =>
  <T>(
    request: Actor,
    scope: OwnScope | undefined,
    work: (tx: Tx, actor: ApiKey, record: RecordEvent) => Promise<T>,
  ): Promise<T> =>
    transaction(db, async (tx) => {
      const actor = await revalidate(tx, request, scope);
      const { address, requestId } = request;
      const { id, hint, label } = actor;
      const context = { actor: { kind: 'key', id, hint, label }, address, requestId } as const;
      return work(tx, actor, (event) => insertEvent(tx, { ...event, ...context, at: clock.now() }));
    });
