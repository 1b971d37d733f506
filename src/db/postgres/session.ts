import { setTimeout } from 'node:timers/promises';
import { Client, type ClientBase, type ClientConfig, types } from 'pg';

export const CONNECT_MS = 2_000;
/** Limits of the server. After that time nobody waits for the statement. */
const STATEMENT_MS = 5_000;
const LOCK_MS = 4_000;
/** The limit of this process, for a server that hangs or a network that loses packets. It is later than the server's. */
const ANSWER_MS = 6_000;

/** Finds the other sessions of Keyhearth in this database. */
export const OTHER_SESSIONS = `select from pg_stat_activity where datname = current_database()
  and pid <> pg_backend_pid() and application_name = current_setting('application_name')`;

/** The server knows a connection for a moment longer than the process that has closed it. */
const ENDING_TRIES = 10;
const ENDING_MS = 100;

/** Whether no other session of Keyhearth uses the database of a connection. */
export async function isAlone(client: ClientBase): Promise<boolean> {
  for (let i = 0; i < ENDING_TRIES; i++) {
    // In a transaction, the server would repeat its first answer.
    await client.query('select pg_stat_clear_snapshot()');
    if ((await client.query(OTHER_SESSIONS)).rows.length === 0) return true;
    await setTimeout(ENDING_MS);
  }
  return false;
}

const INT8 = 20;

/** Long integers as numbers, because `pg` makes text of them. Ids, counts and milliseconds are far below 2^53. */
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
 * Checks that the server is not a standby, whose rows can be old, and that the database is the right one: in another one,
 * anybody could register a first key. Makes commits durable. It sets the settings here, because poolers ignore most
 * settings at the start of a session.
 * @param databaseId the id that the database must have; undefined when it is not known yet
 */
export async function prepareSession(client: ClientBase, databaseId: string | undefined): Promise<void> {
  const { rows } = await client.query<{ is_standby: boolean }>(
    `select pg_is_in_recovery() as is_standby,
      set_config('statement_timeout', '${STATEMENT_MS}', false),
      set_config('lock_timeout', '${LOCK_MS}', false),
      set_config('idle_in_transaction_session_timeout', '${STATEMENT_MS}', false),
      set_config('synchronous_commit',
        case current_setting('synchronous_commit') when 'off' then 'on' else current_setting('synchronous_commit') end, false)`,
  );
  if (rows[0]?.is_standby)
    throw new Error('the server is a standby; DATABASE_URL must name the primary server');
  if (databaseId === undefined) return;
  const identity = await client.query<{ database_id: string }>('select database_id from database_identity');
  if (identity.rows[0]?.database_id !== databaseId) {
    throw new Error('this is not the database that the process started with');
  }
}

/** Opens a connection outside of the pool. Throws the errors of `pg`. */
export async function connectAlone(url: string, databaseId?: string, answerMs = ANSWER_MS): Promise<Client> {
  const client = new Client({ ...clientConfig(url), query_timeout: answerMs });
  // The query that waits for an answer reports the error.
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
