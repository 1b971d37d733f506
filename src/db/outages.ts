import { systemClock } from '../lib/clock.ts';
import type { FailureOf } from '../lib/failure.ts';
import type { Logger } from '../lib/logger.ts';

/** A problem of the database that lasts for longer than one request. */
export type Outage = Exclude<FailureOf<'database_unavailable'>['reason'], 'unreachable' | 'connection_lost'>;

const BEGINS: Record<Outage, string> = {
  file_lost:
    'a file of the database was removed or replaced; requests that need the database get a 503 until the same file is back, or until a restart',
  damaged:
    'the database is damaged; requests that cannot be answered get a 503. Stop the service and restore the database from a backup',
  disk_full: 'the disk of the database is full; changes get a 503 until there is space',
  unwritable: 'the database cannot be written; changes get a 503 until it can',
  unreadable: 'the database cannot be read; requests that cannot be answered get a 503',
  refused: 'the database server refuses changes; they get a 503 until it takes them',
};

const ENDS = {
  file_lost: 'the files of the database are back',
  disk_full: 'the disk of the database has space again',
  unwritable: 'the database can be written again',
  refused: 'the database server takes changes again',
} satisfies Partial<Record<Outage, string>>;

const OUTAGES = Object.keys(BEGINS) as Outage[];

/** After so long without a sign of it, an outage is over. The next one is logged again. */
const FORGOTTEN_AFTER_S = 600;

/** The outages of one database, shared by all threads. */
export type Outages = {
  /** Call it at each sign of the outage. Logs the first one. @param reason for the log, not secret */
  begin(outage: Outage, reason: string): void;
  /** Call it when the outage is over, or may be over. Logs that once. */
  end(outage: keyof typeof ENDS): void;
  /** Whether it has begun and has not ended. */
  isOn(outage: Outage): boolean;
};

/** Memory for the outages of one database, for several threads. */
export const allocateOutages = () => new SharedArrayBuffer(OUTAGES.length * Int32Array.BYTES_PER_ELEMENT);

export function createOutages(memory: SharedArrayBuffer, logger: Logger): Outages {
  /** The second of the monotonic clock of the last sign of each outage, or 0. */
  const lastShown = new Int32Array(memory);
  return {
    begin(outage, reason) {
      const now = 1 + Math.floor(systemClock.monotonic() / 1_000);
      const before = Atomics.exchange(lastShown, OUTAGES.indexOf(outage), now);
      if (before === 0 || now - before > FORGOTTEN_AFTER_S) logger.error({ reason }, BEGINS[outage]);
    },
    end(outage) {
      if (Atomics.exchange(lastShown, OUTAGES.indexOf(outage), 0) !== 0) logger.info(ENDS[outage]);
    },
    isOn: (outage) => Atomics.load(lastShown, OUTAGES.indexOf(outage)) !== 0,
  };
}
