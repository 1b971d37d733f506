import { createHash } from 'node:crypto';
import { Client, DatabaseError } from 'pg';
import { clientConfig } from '../../src/db/postgres/session.ts';

const DUPLICATE_DATABASE = '42P04';

/** The database of a test, by what only this test has. */
export const nameFor = (text: string) =>
  `keyhearth_test_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;

/** Runs one statement on a connection of its own. */
export async function query<Row = Record<string, unknown>>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new Client(clientConfig(url));
  client.on('error', () => undefined);
  await client.connect();
  try {
    // Without values, PostgreSQL takes several statements at once.
    const { rows } = await (values.length > 0 ? client.query(sql, values) : client.query(sql));
    return rows as Row[];
  } finally {
    await client.end();
  }
}

/** Makes a database on the server, unless it is there. @returns its URL */
export async function createDatabase(server: string, name: string): Promise<string> {
  await query(server, `create database ${name}`).catch((error: unknown) => {
    if (!(error instanceof DatabaseError && error.code === DUPLICATE_DATABASE)) throw error;
  });
  const url = new URL(server);
  url.pathname = name;
  return url.href;
}
