import type SqliteDatabase from 'better-sqlite3';

type Statement = SqliteDatabase.Statement<unknown[]>;

/** More than the service has; a bound, so that SQL text built by a future query cannot fill the memory. */
const MAX_STATEMENTS = 200;

/**
 * Stands between Kysely and better-sqlite3 and keeps what was prepared: Kysely prepares every query anew, which costs
 * more than running it. The least recently used statement leaves first.
 */
export function cachingStatements(sqlite: SqliteDatabase.Database) {
  const statements = new Map<string, Statement>();
  return {
    prepare(sql: string): Statement {
      const known = statements.get(sql);
      const statement = known ?? sqlite.prepare<unknown[]>(sql);
      if (known) statements.delete(sql);
      statements.set(sql, statement);
      if (statements.size > MAX_STATEMENTS) {
        const oldest = statements.keys().next();
        if (!oldest.done) statements.delete(oldest.value);
      }
      return statement;
    },
    close(): void {
      statements.clear();
      sqlite.close();
    },
  };
}
