import { DomainError } from '../lib/failure.ts';
import type { Reader } from './engine.ts';
import type { Db } from './tables.ts';

/**
 * Makes the check that the database can be read.
 * @returns a function that throws a DomainError `database_unavailable` when it cannot
 */
export function databaseCheck(db: Db, reader: Reader): () => Promise<void> {
  const hasIdentity = reader.exists(db.selectFrom('database_identity').select('id').compile());
  return async () => {
    try {
      await hasIdentity();
    } catch (cause) {
      if (cause instanceof DomainError) throw cause;
      throw new DomainError(
        { code: 'database_unavailable', reason: 'unreadable', retryAfter: 5 },
        { cause, isExpected: false },
      );
    }
  };
}
