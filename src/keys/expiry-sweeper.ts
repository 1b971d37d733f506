import type { BackgroundWriter } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { Clock } from '../lib/clock.ts';
import { hasUnmarkedKeys, markExpiredQuery } from './expiry-store.ts';

const SWEEP_EVERY_MS = 60_000;
/** The clocks of replicas differ. A key must not end early because one of them is ahead. */
const MARGIN_MS = 60_000;
/** Other writers wait for one statement. */
const KEYS_PER_STATEMENT = 500;

export type ExpirySweeper = {
  /** Marks all keys that expired for certain. */
  sweep(): Promise<void>;
  /** Stops the timer, and waits for the statement that runs. */
  close(): Promise<void>;
};

export type ExpirySweeperParts = {
  db: Db;
  writer: BackgroundWriter;
  clock: Pick<Clock, 'now'>;
  onError: (error: unknown) => void;
};

/**
 * Marks keys soon after they expire. So expired keys have an index of their own, and a clock that goes back later does not
 * make them valid again. No verification depends on it. Several processes can do it at once.
 */
export function createExpirySweeper({ db, writer, clock, onError }: ExpirySweeperParts): ExpirySweeper {
  let isClosed = false;
  let sweeping: Promise<void> | undefined;

  async function markAll(): Promise<void> {
    const before = clock.now() - MARGIN_MS;
    try {
      while (!isClosed && (await hasUnmarkedKeys(db, before)))
        await writer.run(markExpiredQuery(db, before, KEYS_PER_STATEMENT));
    } catch (error) {
      onError(error);
    }
  }

  function sweep(): Promise<void> {
    sweeping ??= markAll().finally(() => {
      sweeping = undefined;
    });
    return sweeping;
  }

  // The first one marks what expired while no process ran.
  void sweep();
  const timer = setInterval(sweep, SWEEP_EVERY_MS);
  timer.unref();

  return {
    sweep,
    async close() {
      isClosed = true;
      clearInterval(timer);
      await sweeping;
    },
  };
}
