import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Db } from '../db/tables.ts';
import type { AuditEvent, Position, Selection } from './event.ts';
import { readStep } from './store.ts';

/** So many events are read at once. Other requests are served in between. */
const AT_ONCE = 200;

export type AuditPage = { events: AuditEvent[]; next: Position | undefined };

export type AuditLog = ReturnType<typeof createAuditLog>;

/** Reads what was recorded. */
export function createAuditLog(db: Db) {
  /**
   * All events of a selection, the newest first, some at a time. It keeps nothing open in the database.
   * @param isWanted whether somebody still waits for the next ones
   */
  async function* read(
    selection: Selection,
    isWanted: () => boolean,
    after?: Position,
    most = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<AuditEvent[]> {
    let position = after;
    let left = most;
    do {
      const { events, next } = await readStep(db, selection, position, Math.min(AT_ONCE, left));
      if (events.length > 0) yield events;
      left -= events.length;
      position = next;
      // SQLite answers at once, so without this nobody else would get a turn.
      if (position) await nextTurn();
    } while (position && left > 0 && isWanted());
  }

  return {
    read: (selection: Selection, isWanted: () => boolean) => read(selection, isWanted),

    /** @param after where the previous page ended */
    async page(
      selection: Selection,
      limit: number,
      after: Position | undefined,
      isWanted: () => boolean,
    ): Promise<AuditPage> {
      const events: AuditEvent[] = [];
      // One more than the page has says whether there is a next one.
      for await (const some of read(selection, isWanted, after, limit + 1)) events.push(...some);
      const page = events.slice(0, limit);
      const last = page.at(-1);
      const next = events.length > limit && last ? { at: last.at, id: last.id } : undefined;
      return { events: page, next };
    },
  };
}
