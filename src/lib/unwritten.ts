import { DomainError } from './failure.ts';
import type { Logger } from './logger.ts';

/** Logs that something is written later. The part that finds an outage of the database logs that. */
export const onUnwritten = (logger: Logger, message: string) => (err: unknown) => {
  if (err instanceof DomainError && err.failure.code === 'database_unavailable') return;
  logger.warn({ err }, message);
};
