import { changesBetween } from '../audit/event.ts';
import { insertEvent } from '../audit/store.ts';
import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { Change } from '../keys/change.ts';
import type { SessionId } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import type { Actor } from '../lib/principal.ts';
import { personOf } from './person.ts';
import type { SessionLookup } from './session-lookup.ts';
import { deleteSession, listSessions, type SessionRow, type VisibleSession } from './session-store.ts';
import type { Visitor } from './sessions.ts';

export type { VisibleSession };

export type SessionService = ReturnType<typeof createSessionService>;

export type SessionServiceParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  lookUp: SessionLookup;
  change: Change;
};

/** The sessions and access tokens of people. Each person sees their own alone. */
export function createSessionService({ db, clock, lookUp, change }: SessionServiceParts) {
  return {
    /** The newest first. */
    list: (actor: Actor): Promise<VisibleSession[]> => listSessions(db, personOf(actor).id, clock.now()),

    /** @throws DomainError `session_not_found`, also for the session of another person */
    async end(id: SessionId, actor: Actor): Promise<void> {
      const { id: accountId } = personOf(actor);
      await change(actor, undefined, async (tx, _maker, record) => {
        if (!(await deleteSession(tx, id, accountId))) throw new DomainError({ code: 'session_not_found' });
        const changes = changesBetween({ session: id }, undefined);
        await record({ action: 'session.ended', keyId: null, accountId, changes });
      });
    },

    /** Signs out. Nothing happens for a token that is unknown or over. */
    async endByToken(
      token: string,
      kind: SessionRow['kind'],
      { address, requestId }: Pick<Visitor, 'address' | 'requestId'>,
    ): Promise<void> {
      const principal = await lookUp(token, kind);
      if (!principal) return;
      const { id, email, sessionId } = principal;
      await transaction(db, async (tx) => {
        if (!(await deleteSession(tx, sessionId, id))) return;
        await insertEvent(tx, {
          at: clock.now(),
          action: 'session.ended',
          actor: { kind: 'account', id, label: email },
          address,
          keyId: null,
          accountId: id,
          changes: changesBetween({ session: sessionId }, undefined),
          requestId,
        });
      });
    },
  };
}
