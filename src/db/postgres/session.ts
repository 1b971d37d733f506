import { Client, type ClientBase, type ClientConfig, types } from 'pg';

export const CONNECT_MS = 2_000;
/** On the server. A statement that takes longer has no caller any more. */
const STATEMENT_MS = 5_000;
const LOCK_MS = 4_000;
/** On this side, for a server that has stopped or a network that loses packets: later than the server's own limits. */
const ANSWER_MS = 6_000;

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
 * Refuses a standby, which is behind its primary, and another database in the place of ours, which would let anybody
 * register a first key. Makes commits durable. Settings are made here, since a pooler passes on hardly any of those at
 * the start of a session.
 * @param databaseId whose database it must be; undefined before that is known
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
  // A query that waits for an answer fails by itself.
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
