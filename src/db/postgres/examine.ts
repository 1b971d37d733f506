import { Kysely, PostgresDialect, type PostgresPool } from 'kysely';
import type { Client } from 'pg';
import { hasTable } from '../differences.ts';
import type { Db, Tables } from '../tables.ts';
import { reasonOf } from './failure.ts';
import { readServerState, type ServerState } from './server-state.ts';
import { connectAlone } from './session.ts';

export type ExaminedServer<Contents> =
  | Readonly<{ state: 'unreachable'; reason: string }>
  | Readonly<{ state: 'missing'; server: ServerState }>
  | Readonly<{ state: 'readable'; server: ServerState; contents: Contents }>;

/** Counting ten million keys takes longer than a request may. */
const PATIENCE_MS = 60_000;

/** Reads from a database that others may use at the same time, and changes nothing. */
export async function examineServer<Contents>(
  url: string,
  read: (db: Db) => Promise<Contents>,
): Promise<ExaminedServer<Contents>> {
  let client: Client | undefined;
  try {
    client = await connectAlone(url, undefined, PATIENCE_MS);
    const server = await readServerState(client);
    await client.query(`set statement_timeout = ${PATIENCE_MS}; set default_transaction_read_only = on`);
    const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: poolOf(client) }) });
    if (!(await hasTable(db, 'database_identity'))) return { state: 'missing', server };
    return { state: 'readable', server, contents: await read(db) };
  } catch (error) {
    return { state: 'unreachable', reason: reasonOf(error) };
  } finally {
    await client?.end().catch(() => undefined);
  }
}

/** A pool of one connection, which stays open. */
function poolOf(client: Client): PostgresPool {
  const connection = {
    query: (text: string, values: readonly unknown[]) => client.query(text, [...values]),
    release: () => undefined,
  };
  // Kysely's type has cursors too, which nothing here uses.
  return { connect: async () => connection, end: async () => undefined, options: {} } as never;
}
