import type { Answered, AnswerLog } from '../lib/answered.ts';
import type { FailureCode } from '../lib/failure.ts';
import type { Logger } from '../lib/logger.ts';
import { createLineLimit } from './line-limit.ts';

/** The fields of an answer in the log. */
export type AnsweredRequest = Answered &
  Readonly<{
    code?: FailureCode | undefined;
    client: string;
    /** The key that the request acted for. */
    key_id?: number | undefined;
    /** The management secret of the gateway that it carried. */
    managed_by?: string | undefined;
  }>;

export type RequestLog = AnswerLog<AnsweredRequest>;

/**
 * The log of all requests, one line each. Requests that a valid key is allowed to make are always logged. The lines of
 * other requests are limited, and the rest is summed up. So no client can fill the disk.
 * @param linesPerSecond the limit for requests that are refused
 */
export function createRequestLog(logger: Logger, linesPerSecond: number): RequestLog {
  const limit = createLineLimit(linesPerSecond);

  function writeSummaries(summaries: ReturnType<typeof limit.drain>): void {
    for (const summary of summaries) {
      logger.info(
        summary,
        summary.client === undefined
          ? 'further requests of other clients'
          : 'further requests of this client',
      );
    }
  }

  const timer = setInterval(() => writeSummaries(limit.nextSecond()), 1_000).unref();

  return {
    answered(request, start, usual = 'info') {
      const level = request.code === 'database_unavailable' ? 'debug' : usual;
      if (!logger.isLevelEnabled(level)) return;
      const isKnown = request.key_id !== undefined || request.managed_by !== undefined;
      const isRefused = !isKnown || request.status >= 400;
      if (isRefused && !limit.admit(request.client, request.status)) return;
      logger[level]({ ...request, ms: Math.round((performance.now() - start) * 1_000) / 1_000 });
    },
    close() {
      clearInterval(timer);
      writeSummaries(limit.drain());
    },
  };
}
