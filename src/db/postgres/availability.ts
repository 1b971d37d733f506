import type { Logger } from '../../lib/logger.ts';
import { reasonOf, unreachable } from './failure.ts';

const PROBE_EVERY_MS = 500;

/**
 * Whether the database can be reached. While it cannot, requests are refused at once. One probe at a time checks whether
 * the database is back, so the number of requests does not matter.
 */
export type Availability = {
  /** @throws DomainError `database_unavailable` while the database cannot be reached */
  assertReachable(): void;
  /** Call it when the database could not be reached. Logs the beginning of an outage. */
  lost(error: unknown): void;
  close(): void;
};

/** @param probe resolves when the database answers */
export function watchAvailability(probe: () => Promise<void>, logger: Logger): Availability {
  let lostSince: number | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function check(): Promise<void> {
    try {
      await probe();
    } catch {
      if (lostSince !== undefined) timer = setTimeout(check, PROBE_EVERY_MS);
      return;
    }
    if (lostSince === undefined) return;
    logger.info({ away_ms: Math.round(performance.now() - lostSince) }, 'the database is back');
    lostSince = undefined;
  }

  return {
    assertReachable() {
      if (lostSince !== undefined) throw unreachable();
    },
    lost(error) {
      if (lostSince !== undefined) return;
      lostSince = performance.now();
      timer = setTimeout(check, PROBE_EVERY_MS);
      logger.error(
        { reason: reasonOf(error) },
        'the database cannot be reached; requests that need it get a 503 until it is back',
      );
    },
    close() {
      lostSince = undefined;
      clearTimeout(timer);
    },
  };
}
