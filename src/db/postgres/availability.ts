import type { Logger } from '../../lib/logger.ts';
import { awayError, reasonOf } from './failure.ts';

const PROBE_EVERY_MS = 500;

/**
 * Whether the database can be reached. While it cannot, requests are refused at once and one attempt after the other
 * looks whether it is back, however many requests there are: neither they nor the database wait for each other.
 */
export type Availability = {
  /** @throws DomainError `database_unavailable` while it is away */
  assertReachable(): void;
  /** It could not be reached just now. The first time, that is logged. */
  lost(error: unknown): void;
  close(): void;
};

/** @param probe resolves when the database answers */
export function watchAvailability(probe: () => Promise<void>, logger: Logger): Availability {
  let awaySince: number | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    try {
      await probe();
    } catch {
      if (awaySince !== undefined) timer = setTimeout(look, PROBE_EVERY_MS);
      return;
    }
    if (awaySince === undefined) return;
    logger.info({ away_ms: Math.round(performance.now() - awaySince) }, 'the database is back');
    awaySince = undefined;
  }

  return {
    assertReachable() {
      if (awaySince !== undefined) throw awayError();
    },
    lost(error) {
      if (awaySince !== undefined) return;
      awaySince = performance.now();
      timer = setTimeout(look, PROBE_EVERY_MS);
      logger.error(
        { reason: reasonOf(error) },
        'the database cannot be reached; what needs it is answered 503 until it is back',
      );
    },
    close() {
      awaySince = undefined;
      clearTimeout(timer);
    },
  };
}
