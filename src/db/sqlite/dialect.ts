import type SqliteDatabase from 'better-sqlite3';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  SelectQueryNode,
  SqliteAdapter,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { translateError } from './failure.ts';
import { cachingStatements } from './statement-cache.ts';

/** A deferred transaction that turns into a writer half way fails when another writer was faster; this one cannot. */
class ImmediateSqliteDriver extends SqliteDriver {
  readonly #sqlite: SqliteDatabase.Database;

  constructor(sqlite: SqliteDatabase.Database) {
    super({ database: cachingStatements(sqlite) });
    this.#sqlite = sqlite;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    return translatingErrors(await super.acquireConnection());
  }

  /** A full disk makes SQLite roll back by itself. A second rollback would fail, and hide the reason. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#sqlite.inTransaction) await super.rollbackTransaction(connection);
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
}

/** SQLite's own error codes are known to this folder only. */
const translatingErrors = (connection: DatabaseConnection): DatabaseConnection => ({
  async executeQuery(query) {
    try {
      return await connection.executeQuery(query);
    } catch (error) {
      throw translateError(error, SelectQueryNode.is(query.query));
    }
  },
  streamQuery: (query, chunkSize) => connection.streamQuery(query, chunkSize),
});

/** SQLite can roll back schema changes. Kysely's own adapter says that it cannot, and would migrate without one. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

export function sqliteDialect(sqlite: SqliteDatabase.Database): Dialect {
  return {
    createDriver: () => new ImmediateSqliteDriver(sqlite),
    createAdapter: () => new TransactionalSqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}
