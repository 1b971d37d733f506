import type { BackgroundWriter } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { Clock } from '../lib/clock.ts';
import { INCIDENTS, type Incident, type IncidentAction, type NewEvent } from './event.ts';
import { createIncidentLimit } from './incident-limit.ts';
import { eventsQuery } from './store.ts';

const WRITE_EVERY_MS = 1_000;
/** Events that wait for the database. A minute has at most 22 of them, so that is enough for an outage of 45 minutes. */
const MAX_WAITING = 1_000;
/** The number of events that one statement writes. */
const AT_ONCE = 100;

export type Incidents = {
  /** Records an incident later. It never waits, and never fails. */
  record(incident: Incident): void;
  /** How many incidents wait to be written. */
  backlog(): number;
  /** Writes what waits. */
  write(): Promise<void>;
  /** Stops the timer, and writes what waits. */
  close(): Promise<void>;
};

export type IncidentsParts = {
  db: Db;
  writer: BackgroundWriter;
  clock: Clock;
  /** See `allocateIncidents`. */
  memory: SharedArrayBuffer;
  onError: (error: unknown) => void;
};

/** Records incidents without a request that waits for it. What a limit left out is one event, with a count. */
export function createIncidents({ db, writer, clock, memory, onError }: IncidentsParts): Incidents {
  const limit = createIncidentLimit(memory, clock.monotonic);
  let waiting: NewEvent[] = [];
  let writing = Promise.resolve();

  function add(event: Incident): void {
    waiting.push({ ...event, at: clock.now(), actor: { kind: 'anonymous' }, keyId: null });
    if (waiting.length > MAX_WAITING) waiting.shift();
  }

  function addOmitted(action: IncidentAction, count: number): void {
    if (count === 0) return;
    add({ action, address: null, requestId: null, changes: { omitted: { from: 0, to: count } } });
  }

  function sumUp(isLast: boolean): void {
    for (const action of INCIDENTS) addOmitted(action, limit.takeOmitted(action, isLast));
  }

  async function writeWaiting(): Promise<void> {
    try {
      while (waiting.length > 0) {
        const events = waiting.slice(0, AT_ONCE);
        await writer.run(eventsQuery(db, events));
        waiting = waiting.filter((event) => !events.includes(event));
      }
    } catch (error) {
      onError(error);
    }
  }

  function write(): Promise<void> {
    sumUp(false);
    writing = writing.then(writeWaiting);
    return writing;
  }

  const timer = setInterval(write, WRITE_EVERY_MS);
  timer.unref();

  return {
    record(incident) {
      const { isRecorded, omitted } = limit.admit(incident.action);
      addOmitted(incident.action, omitted);
      if (isRecorded) add(incident);
    },
    backlog: () => waiting.length,
    write,
    close() {
      clearInterval(timer);
      sumUp(true);
      return write();
    },
  };
}
