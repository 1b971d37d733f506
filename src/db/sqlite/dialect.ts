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

/** A deferred transaction that begins to write later fails if another writer was faster. This one cannot. */
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
    // Nobody reads a lost file again, so a change that went there must not be confirmed.
    this.#condition.checkFiles();
  }
}

/** Only this folder knows the error codes of SQLite. */
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

/** SQLite can roll back changes of the schema. Kysely's adapter says that it cannot, and uses no transaction. */
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
