import type SqliteDatabase from 'better-sqlite3';
import { LRUCache } from 'lru-cache';

type Statement = SqliteDatabase.Statement<unknown[]>;

/** More than the service has; a bound, so that SQL text built by a future query cannot fill the memory. */
const MAX_STATEMENTS = 200;

/**
 * A database for Kysely that caches prepared statements. Kysely prepares every query again, which costs more than
 * running it.
 */
export function cachingStatements(sqlite: SqliteDatabase.Database) {
  const statements = new LRUCache<string, Statement>({ max: MAX_STATEMENTS });
  return {
    prepare(sql: string): Statement {
      const known = statements.get(sql);
      if (known) return known;
      const statement = sqlite.prepare<unknown[]>(sql);
      statements.set(sql, statement);
      return statement;
    },
    close(): void {
      statements.clear();
      sqlite.close();
    },
  };
}
