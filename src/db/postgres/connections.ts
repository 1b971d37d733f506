import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresPool } from 'kysely';
import {
  Client,
  type ClientBase,
  type ClientConfig,
  Pool,
  type PoolClient,
  type QueryResult,
  types,
} from 'pg';
import { DomainError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { watchAvailability } from './availability.ts';
import { awayError, isAnswer, isFull, isSpoilt, lostError, refusalOf } from './failure.ts';

const CONNECT_MS = 2_000;
/** On the server. What takes longer has no caller any more. */
const STATEMENT_MS = 5_000;
const LOCK_MS = 4_000;
/** Here, for a server that has stopped, or a network that swallows: later than the server's own. */
const ANSWER_MS = 6_000;
const IDLE_MS = 30_000;
const END_MS = 2_000;

/** More than the service has; a bound, so that SQL text built by a future query cannot fill memories. */
const MAX_STATEMENTS = 200;

const INT8 = 20;

/** Every integer here is an id, a count or milliseconds, far below 2^53; `pg` would make text of the long ones. */
const numbers: ClientConfig['types'] = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
};

export const clientConfig = (url: string): ClientConfig => ({
  connectionString: url,
  application_name: 'keyhearth',
  connectionTimeoutMillis: CONNECT_MS,
  query_timeout: ANSWER_MS,
  keepAlive: true,
  types: numbers,
});

/**
 * A standby is behind its primary; what a client was told has happened must be on the disk by then; and another database
 * in the place of ours would let anybody register a first key. What is set is set here, since a pooler takes hardly
 * anything with the start of a session.
 * @param databaseId whose database it must be; undefined before that is known
 */
async function prepareSession(client: ClientBase, databaseId: string | undefined): Promise<void> {
  const { rows } = await client.query<{ is_standby: boolean }>(
    `select pg_is_in_recovery() as is_standby,
      set_config('statement_timeout', '${STATEMENT_MS}', false),
      set_config('lock_timeout', '${LOCK_MS}', false),
      set_config('idle_in_transaction_session_timeout', '${STATEMENT_MS}', false),
      set_config('synchronous_commit',
        case current_setting('synchronous_commit') when 'off' then 'on' else current_setting('synchronous_commit') end, false)`,
  );
  if (rows[0]?.is_standby) throw new Error('the server is a standby; DATABASE_URL must name the primary');
  if (databaseId === undefined) return;
  const identity = await client.query<{ database_id: string }>('select database_id from database_identity');
  if (identity.rows[0]?.database_id !== databaseId) {
    throw new Error('there is another database in the place of the one that this process has started with');
  }
}

/** A connection of its own, besides the pool. Throws what `pg` throws. */
export async function connectAlone(url: string, databaseId?: string, answerMs = ANSWER_MS): Promise<Client> {
  const client = new Client({ ...clientConfig(url), query_timeout: answerMs });
  // Whoever waits for an answer is told; nobody else needs to be.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await prepareSession(client, databaseId);
    return client;
  } catch (error) {
    void client.end().catch(() => undefined);
    throw error;
  }
}

/** What was prepared is kept by its text, in every connection under the same name. */
function createStatementNames(): (text: string) => string | undefined {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined || names.size >= MAX_STATEMENTS) return known;
    const name = `keyhearth_${names.size}`;
    names.set(text, name);
    return name;
  };
}

/** What Kysely uses of a client. */
type Connection = {
  query(text: string, values: readonly unknown[]): Promise<QueryResult>;
  release(): void;
};

export type Connections = {
  /** For Kysely. Its errors are DomainErrors wherever the database, and not the statement, is the reason. */
  pool: PostgresPool;
  /** The rows of one read, which waits for no change, and is made once more if its connection turns out to be dead. */
  read<Row>(text: string, values: readonly unknown[]): Promise<Row[]>;
  /** From now on no other database is taken for this one. */
  expect(databaseId: string): void;
  close(): void;
};

/** Kept for reads alone. */
const READERS = 2;

/** @param size connections at the most */
export function openConnections(url: string, size: number, logger: Logger): Connections {
  const statementName = createStatementNames();
  let databaseId: string | undefined;
  const availability = watchAvailability(async () => {
    const client = await connectAlone(url, databaseId, CONNECT_MS);
    // Not awaited: a network that swallows this would be waited for as long as TCP waits.
    void client.end().catch(() => undefined);
  }, logger);
  let generation = 0;
  const madeIn = new WeakMap<ClientBase, number>();

  /** Connections made before the database was lost may be as dead as the one that told of it. */
  function lost(error: unknown): void {
    generation++;
    availability.lost(error);
  }

  function open(max: number): Pool {
    const pool = new Pool({
      ...clientConfig(url),
      max,
      idleTimeoutMillis: IDLE_MS,
      onConnect: (client) => prepareSession(client, databaseId),
    });
    // One that breaks while nobody uses it is replaced when it is needed; one in use tells who uses it.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => {
      client.on('error', () => undefined);
      madeIn.set(client, generation);
    });
    return pool;
  }

  const readers = open(READERS);
  const others = open(size - READERS);

  async function take(pool: Pool): Promise<PoolClient> {
    for (;;) {
      const client = await pool.connect();
      if (madeIn.get(client) === generation) return client;
      client.release(true);
    }
  }

  async function connect(pool: Pool, onTimeout: (error: unknown) => void): Promise<Connection> {
    availability.assertReachable();
    try {
      return guarded(await take(pool), onTimeout);
    } catch (error) {
      if (isFull(error) || isQueueTimeout(error)) throw busyError();
      lost(error);
      throw awayError();
    }
  }

  function guarded(client: PoolClient, onTimeout: (error: unknown) => void): Connection {
    let isBroken = false;
    let failure: unknown;
    return {
      async query(text: string, values: readonly unknown[]) {
        if (isBroken) throw failure ?? lostError();
        try {
          return await client.query({ name: statementName(text), text, values: [...values] });
        } catch (error) {
          if (!isAnswer(error)) {
            isBroken = true;
            // One made before an outage tells nothing of what came after it.
            if (isTimeout(error) && madeIn.get(client) === generation) onTimeout(error);
            throw lostError();
          }
          if (!isSpoilt(error)) {
            failure = refusalOf(error) ?? error;
            throw failure;
          }
          isBroken = true;
          // What aborted a transaction is worth more than what was refused for it.
          throw failure ?? lostError();
        }
      },
      release: () => client.release(isBroken),
    };
  }

  async function readOnce<Row>(text: string, values: readonly unknown[]): Promise<Row[]> {
    // A read has nothing to wait for but the server; a change may have to wait for others, or for a standby.
    const client = await connect(readers, lost);
    try {
      const { rows } = await client.query(text, values);
      return rows as Row[];
    } finally {
      client.release();
    }
  }

  return {
    pool: {
      // Kysely's type has cursors too, which nothing here uses.
      connect: (() => connect(others, () => undefined)) as never,
      // A server that stands still would never say goodbye.
      end: () =>
        Promise.race([Promise.all([readers.end(), others.end()]), sleep(END_MS)]).then(() => undefined),
      options: others.options,
    },
    async read(text, values) {
      try {
        return await readOnce(text, values);
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        return readOnce(text, values);
      }
    },
    expect: (id) => {
      databaseId = id;
    },
    close: () => availability.close(),
  };
}

const isUnavailable = (error: unknown) =>
  error instanceof DomainError && error.problem.code === 'database_unavailable';

const isTimeout = (error: unknown) => error instanceof Error && error.message === 'Query read timeout';

/** Of the pool: all of its connections were in use for as long as one may wait for one. */
const isQueueTimeout = (error: unknown) =>
  error instanceof Error && error.message === 'timeout exceeded when trying to connect';

const busyError = () =>
  new DomainError({
    code: 'database_busy',
    detail: 'All connections to the database are in use. Try again in a moment.',
    retryAfter: 1,
  });
