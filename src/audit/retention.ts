import { setTimeout as sleep } from 'node:timers/promises';
import type { BackgroundWriter } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { Clock } from '../lib/clock.ts';
import { deleteQuery, hasEventsBefore } from './store.ts';

const DAY_MS = 86_400_000;

/** So often the threads of a process check together. */
const CHECK_EVERY_MS = 60_000;
/** How soon a thread asks for its turn after a start. */
const FIRST_CHECK_MS = 1_000;
/** A small batch, and a pause for other writers. */
const AT_ONCE = 200;
const PAUSE_MS = 50;

/** Memory in which threads agree whose turn it is. */
export const allocateRetention = () => new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);

export type Retention = {
  /** Deletes all events that are too old, unless another thread does or did so within a minute. */
  enforce(): Promise<void>;
  close(): Promise<void>;
};

export type RetentionParts = {
  db: Db;
  writer: BackgroundWriter;
  clock: Clock;
  /** How long an event is kept. 0: for ever. */
  days: number;
  /** See `allocateRetention`. */
  memory: SharedArrayBuffer;
  onError: (error: unknown) => void;
};

/**
 * Deletes events that are too old, in small batches of the background writer. One thread of a process does it. Replicas
 * take turns, batch by batch, because one background writer writes at a time.
 */
export function createRetention({ db, writer, clock, days, memory, onError }: RetentionParts): Retention {
  const nextTurnAt = new BigInt64Array(memory);
  let isClosed = false;
  let running = Promise.resolve();

  const laterBy = (ms: number) => BigInt(Math.ceil(clock.monotonic() + ms));

  /** A thread that dies during its turn blocks the others for no more than a minute. */
  function takeTurn(): boolean {
    const at = Atomics.load(nextTurnAt, 0);
    if (at > laterBy(0)) return false;
    return Atomics.compareExchange(nextTurnAt, 0, at, laterBy(CHECK_EVERY_MS)) === at;
  }

  async function deleteOld(): Promise<void> {
    const before = clock.now() - days * DAY_MS;
    while (!isClosed && (await hasEventsBefore(db, before))) {
      await writer.run(deleteQuery(db, before, AT_ONCE));
      Atomics.store(nextTurnAt, 0, laterBy(CHECK_EVERY_MS));
      await sleep(PAUSE_MS);
    }
  }

  function enforce(): Promise<void> {
    if (days > 0 && !isClosed && takeTurn()) running = running.then(deleteOld).catch(onError);
    return running;
  }

  const timers = [setTimeout(enforce, FIRST_CHECK_MS), setInterval(enforce, CHECK_EVERY_MS)];
  for (const timer of timers) timer.unref();

  return {
    enforce,
    close() {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
      return running;
    },
  };
}
