import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresPool } from 'kysely';
import { type ClientBase, Pool, type PoolClient, type QueryResult } from 'pg';
import type { Logger } from '../../lib/logger.ts';
import type { PoolState } from '../engine.ts';
import type { Outages } from '../outages.ts';
import { watchAvailability } from './availability.ts';
import {
  allConnectionsInUse,
  connectionLost,
  isFull,
  isSpoilt,
  isStatementError,
  isUnavailable,
  outageOf,
  reasonOf,
  refusalOf,
  unreachable,
} from './failure.ts';
import { CONNECT_MS, clientConfig, connectAlone, prepareSession } from './session.ts';

const IDLE_MS = 30_000;
const END_MS = 2_000;

/** The service has fewer statements. The limit protects the memory if SQL text ever contains values. */
const MAX_STATEMENTS = 200;

/** Names prepared statements by their text. A text has the same name in every connection. */
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

/** The part of a client that Kysely uses. */
type Connection = {
  query(text: string, values: readonly unknown[]): Promise<QueryResult>;
  release(): void;
};

export type Connections = {
  /**
   * The pool for Kysely. It throws a DomainError when the database is the reason, and not the statement. Its end closes
   * all connections.
   */
  pool: PostgresPool;
  /** Reads rows. It does not wait for changes, and is repeated once when its connection is dead. */
  read<Row>(text: string, values: readonly unknown[]): Promise<Row[]>;
  /** What the connections do now. */
  state(): PoolState;
  /** From now on, refuses to connect to any other database. */
  expect(databaseId: string): void;
};

/** Connections that only reads use. */
const READERS = 2;

/** @param size the largest number of connections */
export function openConnections(
  url: string,
  size: number,
  logger: Logger,
  outages: Pick<Outages, 'begin'>,
): Connections {
  const statementName = createStatementNames();
  let databaseId: string | undefined;
  const availability = watchAvailability(async () => {
    const client = await connectAlone(url, databaseId, CONNECT_MS);
    // Not awaited: if the network loses the message, this takes as long as TCP waits.
    void client.end().catch(() => undefined);
  }, logger);
  let generation = 0;
  const madeIn = new WeakMap<ClientBase, number>();

  /** Connections from before an outage may be as dead as the one that failed. */
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
    // A connection that breaks while idle is replaced when it is needed. One in use fails its query.
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
      if (isFull(error) || isQueueTimeout(error)) throw allConnectionsInUse();
      lost(error);
      throw unreachable();
    }
  }

  function guarded(client: PoolClient, onTimeout: (error: unknown) => void): Connection {
    let isBroken = false;
    let failure: unknown;
    return {
      async query(text: string, values: readonly unknown[]) {
        if (isBroken) throw failure ?? connectionLost();
        try {
          return await client.query({ name: statementName(text), text, values: [...values] });
        } catch (error) {
          if (!isStatementError(error)) {
            isBroken = true;
            // A connection from before an outage says nothing about the time after it.
            if (isTimeout(error) && madeIn.get(client) === generation) onTimeout(error);
            throw connectionLost();
          }
          const outage = outageOf(error);
          if (outage) outages.begin(outage, reasonOf(error));
          if (!isSpoilt(error)) {
            failure = refusalOf(error) ?? error;
            throw failure;
          }
          isBroken = true;
          // The first error, which aborted the transaction, says more than a later one.
          throw failure ?? connectionLost();
        }
      },
      release: () => client.release(isBroken),
    };
  }

  async function readOnce<Row>(text: string, values: readonly unknown[]): Promise<Row[]> {
    // A read waits for the server only; a change may have to wait for other changes, or for a standby.
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
      // A server that hangs never closes the connection.
      async end() {
        availability.close();
        await Promise.race([Promise.all([readers.end(), others.end()]), sleep(END_MS)]);
      },
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
    state() {
      const idle = readers.idleCount + others.idleCount;
      return {
        busy: readers.totalCount + others.totalCount - idle,
        idle,
        waiting: readers.waitingCount + others.waitingCount,
      };
    },
    expect: (id) => {
      databaseId = id;
    },
  };
}

const isTimeout = (error: unknown) => error instanceof Error && error.message === 'Query read timeout';

/** All connections of the pool are in use for as long as a query may wait for one. */
const isQueueTimeout = (error: unknown) =>
  error instanceof Error && error.message === 'timeout exceeded when trying to connect';
