import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  PostgresAdapter,
  PostgresDriver,
  PostgresIntrospector,
  type PostgresPool,
  PostgresQueryCompiler,
} from 'kysely';

/** Of the advisory locks of a database, the one under which Keyhearth writes: "KHth". */
const WRITER_LOCK = 0x4b487468;

/**
 * One writer at a time, as in SQLite, so that what a transaction has read stays true until it commits. Changes of keys
 * are rare; the slow part of one, its hash, is done before it begins. The lock waits for as long as `lock_timeout`.
 */
class OneWriterDriver extends PostgresDriver {
  readonly #onCommit: () => void;

  constructor(pool: PostgresPool, onCommit: () => void) {
    super({ pool });
    this.#onCommit = onCommit;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin isolation level read committed'));
    try {
      await connection.executeQuery(CompiledQuery.raw(`select pg_advisory_xact_lock(${WRITER_LOCK})`));
    } catch (error) {
      // For Kysely nothing has begun yet; left as it is, the connection would refuse whoever has it next.
      await connection.executeQuery(CompiledQuery.raw('rollback')).catch(() => undefined);
      throw error;
    }
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection);
    this.#onCommit();
  }
}

/** @param onCommit called before anybody can be told of the change */
export const postgresDialect = (pool: PostgresPool, onCommit: () => void): Dialect => ({
  createDriver: () => new OneWriterDriver(pool, onCommit),
  createAdapter: () => new PostgresAdapter(),
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
});
