import type SqliteDatabase from 'better-sqlite3';
import { LRUCache } from 'lru-cache';

type Statement = SqliteDatabase.Statement<unknown[]>;

/** The service has fewer statements. The limit protects the memory if SQL text ever contains values. */
const MAX_STATEMENTS = 200;

/**
 * A database for Kysely that caches prepared statements. Kysely prepares every query again, which takes longer than to
 * run it.
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
