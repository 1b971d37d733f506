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
import type { Condition } from './condition.ts';
import { cachingStatements } from './statement-cache.ts';

/** A deferred transaction that turns into a writer half way fails when another writer was faster; this one cannot. */
class ImmediateSqliteDriver extends SqliteDriver {
  readonly #sqlite: SqliteDatabase.Database;
  readonly #condition: Condition;

  constructor(sqlite: SqliteDatabase.Database, condition: Condition) {
    super({ database: cachingStatements(sqlite) });
    this.#sqlite = sqlite;
    this.#condition = condition;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    return translatingErrors(await super.acquireConnection(), this.#condition);
  }

  /** A full disk makes SQLite roll back by itself. A second rollback would fail, and hide the reason. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#sqlite.inTransaction) await super.rollbackTransaction(connection);
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    this.#condition.checkFiles();
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection);
    this.#condition.written();
    // Nobody may see again what was written to a lost file, so the change must not be confirmed.
    this.#condition.checkFiles();
  }
}

/** SQLite's own error codes are known to this folder only. */
const translatingErrors = (connection: DatabaseConnection, { translate }: Condition): DatabaseConnection => ({
  async executeQuery(query) {
    try {
      return await connection.executeQuery(query);
    } catch (error) {
      throw translate(error, SelectQueryNode.is(query.query));
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

export function sqliteDialect(sqlite: SqliteDatabase.Database, condition: Condition): Dialect {
  return {
    createDriver: () => new ImmediateSqliteDriver(sqlite, condition),
    createAdapter: () => new TransactionalSqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}
