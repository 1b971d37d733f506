import type { NewEvent } from '../audit/event.ts';
import { insertEvents } from '../audit/store.ts';
import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { Clock } from '../lib/clock.ts';
import type { Actor } from '../lib/principal.ts';
import type { ApiKey } from './key.ts';
import type { Maker } from './maker.ts';
import type { OwnScope } from './scopes.ts';

/** Reads a principal again. Throws a DomainError unless it may still act from its address, and holds the scope. */
export type Revalidate = (
  handle: Db | Tx,
  actor: Pick<Actor, 'principal' | 'ip' | 'api'>,
  scope: OwnScope | undefined,
) => Promise<Maker>;

export type ChangeParts = { db: Db; clock: Pick<Clock, 'now'>; revalidate: Revalidate };

/** An event about a key, or about something else. */
type Recorded = Pick<NewEvent, 'action' | 'changes'> &
  ({ key: Pick<ApiKey, 'id' | 'account'> } | (Pick<NewEvent, 'accountId'> & { keyId?: null }));

/** Writes the audit events of a change, in its transaction. */
export type RecordEvent = (event: Recorded | readonly Recorded[]) => Promise<void>;

const subjectOf = (event: Recorded): Pick<NewEvent, 'keyId' | 'accountId'> =>
  'key' in event
    ? { keyId: event.key.id, accountId: event.key.account?.id ?? null }
    : { keyId: null, accountId: event.accountId ?? null };

export type Change = ReturnType<typeof createChange>;

/** Makes the function that runs a change in a transaction, with the actor as it is then: its maker. */
export const createChange =
  ({ db, clock, revalidate }: ChangeParts) =>
  <T>(
    request: Actor,
    scope: OwnScope | undefined,
    work: (tx: Tx, maker: Maker, record: RecordEvent) => Promise<T>,
  ): Promise<T> =>
    transaction(db, async (tx) => {
      const maker = await revalidate(tx, request, scope);
      const { address, requestId } = request;
      const context = { actor: maker.as, address, requestId };
      return work(tx, maker, (recorded) =>
        insertEvents(
          tx,
          [recorded].flat().map((event) => ({
            ...{ action: event.action, changes: event.changes, ...subjectOf(event) },
            ...{ ...context, at: clock.now() },
          })),
        ),
      );
    });
