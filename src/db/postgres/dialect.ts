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

/** The advisory lock under which Keyhearth writes: "KHth". */
const WRITER_LOCK = 0x4b487468;

/**
 * One transaction writes at a time, as in SQLite. So the rows that it has read stay the same until it commits. Changes of
 * keys are rare, and the slow hash is computed before. A transaction waits for the lock for `lock_timeout` at most.
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
      // Kysely does not know yet that a transaction has begun. Without this rollback, the connection is unusable.
      await connection.executeQuery(CompiledQuery.raw('rollback')).catch(() => undefined);
      throw error;
    }
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection);
    this.#onCommit();
  }
}

/** @param onCommit called before any client gets the answer to the change */
export const postgresDialect = (pool: PostgresPool, onCommit: () => void): Dialect => ({
  createDriver: () => new OneWriterDriver(pool, onCommit),
  createAdapter: () => new PostgresAdapter(),
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
});
