import { sql } from 'kysely';
import { DomainError } from '../lib/failure.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { EngineServices } from './engine.ts';
import type { Db } from './tables.ts';

/**
 * Makes the function that checks whether the database can be read.
 * @param verify reads what the verification of a key reads
 * @returns a function that throws a DomainError `database_unavailable` when it cannot
 */
export function databaseCheck(
  db: Db,
  { reader, assertHealthy }: Pick<EngineServices, 'reader' | 'assertHealthy'>,
  verify: () => MaybePromise<unknown>,
): () => Promise<void> {
  const hasIdentity = reader.exists(db.selectFrom('database_identity').select('id').compile());
  const hasKey = reader.exists(
    db.selectFrom('api_keys').select('label').orderBy('id', 'desc').limit(sql.lit(1)).compile(),
  );
  return async () => {
    try {
      assertHealthy();
      await hasIdentity();
      await hasKey();
      await verify();
    } catch (cause) {
      if (cause instanceof DomainError) throw cause;
      throw new DomainError(
        { code: 'database_unavailable', reason: 'unreadable', retryAfter: 5 },
        { cause, isExpected: false },
      );
    }
  };
}
