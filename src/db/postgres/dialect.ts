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
 * One writer at a time, as in SQLite, so that the rows a transaction has read stay as they are until it commits.
 * Changes of keys are rare, and the slow part, the hash, is done before. Waiting for the lock ends after `lock_timeout`.
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
      // For Kysely nothing has begun yet. Without this rollback the connection would refuse its next user.
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
