import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Db } from '../db/tables.ts';
import { DomainError } from '../lib/failure.ts';
import { firstPage } from '../lib/page.ts';
import { createTurns } from '../lib/turns.ts';
import type { AuditEvent, Position, Selection } from './event.ts';
import { readStep } from './store.ts';

/** So many events are read at once. Other requests are served in between. */
const AT_ONCE = 100;

/** The number of reads that wait for their next step. */
const MAX_WAITING = 100;

export type AuditPage = { events: AuditEvent[]; next: Position | undefined };

/** Who reads. */
type Reader = Readonly<{
  /** Clients have their steps in turn. */
  client: string;
  /** Whether somebody still waits for the next events. */
  isWanted: () => boolean;
}>;

export type AuditLog = ReturnType<typeof createAuditLog>;

/** Reads what was recorded. Throws a DomainError `database_busy` when too many others read. */
export function createAuditLog(db: Db) {
  const takeTurn = createTurns(
    MAX_WAITING,
    () => new DomainError({ code: 'database_busy', reason: 'connections', retryAfter: 1 }),
  );

  /** All events of a selection, the newest first, some at a time. It keeps nothing open in the database. */
  async function* read(
    selection: Selection,
    { client, isWanted }: Reader,
    after?: Position,
    most = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<AuditEvent[]> {
    let position = after;
    let left = most;
    do {
      const { events, next } = await takeTurn(client, async () => {
        const step = await readStep(db, selection, position, Math.min(AT_ONCE, left));
        // SQLite answers at once, so without this nobody else would be served before the next step.
        await nextTurn();
        return step;
      });
      if (events.length > 0) yield events;
      left -= events.length;
      position = next;
    } while (position && left > 0 && isWanted());
  }

  return {
    read: (selection: Selection, reader: Reader) => read(selection, reader),

    /** @param after where the previous page ended */
    async page(
      selection: Selection,
      limit: number,
      after: Position | undefined,
      reader: Reader,
    ): Promise<AuditPage> {
      // One more than the page has says whether there is a next one.
      const { items, hasMore } = await firstPage(read(selection, reader, after, limit + 1), limit);
      const last = items.at(-1);
      return { events: items, next: hasMore && last ? { at: last.at, id: last.id } : undefined };
    },
  };
}
