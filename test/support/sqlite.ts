import { databaseMemory } from '../../src/db/memory.ts';
import { openSqlite } from '../../src/db/sqlite/open.ts';
import { loggedOutages } from './outages.ts';

/** The database file at `path`, as the first thread of a process opens it, and what its outages log. */
export async function openFile(path: string) {
  const { outages, log } = loggedOutages();
  return { ...(await openSqlite(path, outages, databaseMemory().file)), outages, log };
}
