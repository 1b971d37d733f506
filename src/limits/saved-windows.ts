import { setTimeout as sleep } from 'node:timers/promises';
import type { BackgroundWriter } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import { KeyId } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import type { SharedWindows } from './shared-windows.ts';
import { deleteEndedQuery, findWindows, saveQuery, type WindowRow } from './store.ts';
import { stillOpen } from './window.ts';

/** Less than the five seconds of counting that a crash may lose, because the write takes time too. */
const SAVE_EVERY_MS = 4_000;
/** The number of windows that one statement writes. Other writers wait for that statement. */
const ROWS_PER_STATEMENT = 1_000;
const ROWS_PER_READ = 5_000;
/** How long a stop waits for another thread that saves. */
const PATIENCE_MS = 3_000;

type SavedWindowsParts = {
  table: SharedWindows;
  db: Db;
  writer: BackgroundWriter;
  clock: Clock;
  onError: (error: unknown) => void;
};

/**
 * Stores the windows that must survive a restart, every few seconds and at the end. In memory, times are those of the
 * monotonic clock, which begins again with each start of the machine. In the database, they are wall time.
 */
export function saveWindows({ table, db, writer, clock, onError }: SavedWindowsParts) {
  /** Wall time is this much ahead. */
  const offset = () => clock.now() - clock.monotonic();

  /** Some windows that are not saved, and are still open. From now on they count as saved. */
  function takeUnsaved(): { rows: WindowRow[]; places: number[] } {
    return table.exclusively(() => {
      const rows: WindowRow[] = [];
      const places: number[] = [];
      const ahead = offset();
      const now = clock.monotonic();
      for (let place = table.nextUnsaved(0); place >= 0; place = table.nextUnsaved(place + 1)) {
        table.mark(place, true);
        const { openedAt, endsAt, used } = table.read(place);
        if (endsAt <= now) continue;
        const { rootId, digest } = table.idOf(place);
        rows.push({
          root_id: rootId,
          digest,
          opened_at: Math.round(openedAt + ahead),
          ends_at: Math.round(endsAt + ahead),
          used,
        });
        places.push(place);
        if (rows.length === ROWS_PER_STATEMENT) break;
      }
      return { rows, places };
    });
  }

  async function saveAll(): Promise<void> {
    for (;;) {
      const { rows, places } = takeUnsaved();
      if (rows.length === 0) return;
      try {
        await writer.run(saveQuery(db, rows));
      } catch (error) {
        table.exclusively(() => {
          for (const place of places) table.mark(place, false);
        });
        throw error;
      }
      // More than it adds, so the table does not grow with windows that have ended.
      await writer.run(deleteEndedQuery(db, clock.now(), 2 * ROWS_PER_STATEMENT));
    }
  }

  async function save(): Promise<boolean> {
    if (!table.tryToBeginSaving()) return false;
    try {
      await saveAll();
    } catch (error) {
      onError(error);
    } finally {
      table.endSaving();
    }
    return true;
  }

  const timer = setInterval(() => {
    if (table.nextUnsaved(0) >= 0) void save();
  }, SAVE_EVERY_MS);
  timer.unref();

  return {
    /** Reads the windows that were stored before. The first thread does that for all. */
    async load(): Promise<void> {
      if (table.isLoaded()) return;
      let last: Pick<WindowRow, 'root_id' | 'digest'> | undefined = { root_id: KeyId(0), digest: 0 };
      while (last) {
        const rows: WindowRow[] = await findWindows(db, last, ROWS_PER_READ);
        table.exclusively(() => {
          for (const row of rows) restore(row);
        });
        last = rows.at(-1);
      }
      table.markLoaded();
    },

    async close(): Promise<void> {
      clearInterval(timer);
      const giveUpAt = performance.now() + PATIENCE_MS;
      while (!(await save()) && performance.now() < giveUpAt) await sleep(5);
    },
  };

  function restore({ root_id, digest, opened_at, ends_at, used }: WindowRow): void {
    const id = { rootId: root_id, digest };
    const stored = { openedAt: opened_at, endsAt: ends_at, used };
    const open = stillOpen(stored, { windowMs: ends_at - opened_at }, clock.now());
    if (!open || table.find(id) !== undefined) return;
    const ahead = offset();
    const window = { openedAt: open.openedAt - ahead, endsAt: open.endsAt - ahead, used };
    table.write(table.claim(id, []), window, false);
  }
}
