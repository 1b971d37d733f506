import { allocateOutages, createOutages } from '../../src/db/outages.ts';
import { createLogger } from '../../src/lib/logger.ts';

/** Outages of a database that nobody else knows of, and what they log. */
export function loggedOutages() {
  const log: Record<string, unknown>[] = [];
  const logger = createLogger('info', { write: (line) => log.push(JSON.parse(line)) });
  return { outages: createOutages(allocateOutages(), logger), log };
}
