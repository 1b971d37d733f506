import { readdirSync, readlinkSync } from 'node:fs';
import { expect } from 'vitest';
import { databaseFor } from './keyhearth.ts';
import { query } from './postgres.ts';

/** What is open of the database of a data directory: files of this process, or connections to PostgreSQL. Linux only. */
export async function openHandles(dataDir: string): Promise<string[]> {
  const { DATABASE_URL: url } = await databaseFor(dataDir);
  return [...openFiles(dataDir), ...(url === undefined ? [] : await connections(url))];
}

/** Expects it closed: a file at once, before the garbage collector could close it; a connection when the server notices. */
export async function expectClosed(dataDir: string): Promise<void> {
  expect(openFiles(dataDir)).toEqual([]);
  await expect.poll(() => openHandles(dataDir)).toEqual([]);
}

const openFiles = (directory: string): string[] =>
  readdirSync('/proc/self/fd')
    .map(targetOf)
    .filter((path) => path.startsWith(`${directory}/`));

/** The descriptor that this list was read by is closed already, and has no target. */
function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
}

async function connections(url: string): Promise<string[]> {
  const rows = await query<{ query: string }>(
    url,
    `select query from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
  );
  return rows.map((row) => `connection: ${row.query}`);
}

/** Of this process, on Linux. */
export const countThreads = (): number => readdirSync('/proc/self/task').length;
