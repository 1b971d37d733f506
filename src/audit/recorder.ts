import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { Clock } from '../lib/clock.ts';
import type { NewEvent } from './event.ts';
import { insertEvent } from './store.ts';

/** Records an event about something outside the database, such as a file. It resolves when the event is on disk. */
export type RecordOutside = (event: Omit<NewEvent, 'at'>) => Promise<void>;

export const createRecorder =
  (db: Db, { now }: Pick<Clock, 'now'>): RecordOutside =>
  (event) =>
    transaction(db, (tx) => insertEvent(tx, { ...event, at: now() }));
