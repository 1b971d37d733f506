import { createHash } from 'node:crypto';
import { Client, DatabaseError } from 'pg';
import { clientConfig } from '../../src/db/postgres/session.ts';

const DUPLICATE_DATABASE = '42P04';

/** A name for a database, by what only one test has. */
export const nameFor = (text: string) =>
  `keyhearth_test_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;

/** As the service connects, without its limit for an answer: on a busy machine, a test may write for longer than that. */
export const patientConfig = (url: string) => ({ ...clientConfig(url), query_timeout: 0 });

/** Runs one statement on a connection of its own. */
export async function query<Row = Record<string, unknown>>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new Client(patientConfig(url));
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

/** By the data directory that they belong to. */
const taken = new Map<string, Promise<string>>();

/** What earlier tests of this file are done with: a database is emptied in a tenth of the time that it takes to make one. */
const spare: string[] = [];

/** The empty database that belongs to a data directory, until this is removed. @returns its URL */
export function takeDatabase(server: string, dataDir: string): Promise<string> {
  const known = taken.get(dataDir);
  if (known) return known;
  const used = spare.pop();
  const database = used === undefined ? createDatabase(server, nameFor(dataDir)) : Promise.resolve(used);
  taken.set(dataDir, database);
  return database;
}

export async function releaseDatabase(dataDir: string): Promise<void> {
  const url = await taken.get(dataDir);
  if (url === undefined) return;
  taken.delete(dataDir);
  const emptying = query(url, "set lock_timeout = '1s'; drop schema public cascade; create schema public");
  // Somebody may still use it.
  await emptying.then(
    () => spare.push(url),
    () => undefined,
  );
}
