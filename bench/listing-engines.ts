import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { Kysely } from 'kysely';
import { pino } from 'pino';
import { startPostgres } from '../deploy/cluster/postgres.ts';
import type { SlowReader } from '../src/db/engine.ts';
import { databaseMemory } from '../src/db/memory.ts';
import { migrate } from '../src/db/migrate.ts';
import { createOutages } from '../src/db/outages.ts';
import { openConnections } from '../src/db/postgres/connections.ts';
import { postgresDialect } from '../src/db/postgres/dialect.ts';
import { connectAlone } from '../src/db/postgres/session.ts';
import { openSlowReader } from '../src/db/postgres/slow-reader.ts';
import { openSqlite } from '../src/db/sqlite/open.ts';
import type { Db, Tables } from '../src/db/tables.ts';
import { type Distribution, insertKeys } from './listing-data.ts';

/** A database with keys to list. */
export type Listed = { db: Db; slowReader: SlowReader; close(): Promise<void> };

/** What the keys are, and how many. */
export type Content = { distribution: Distribution; count: number; now: number };

const logger = pino({ level: 'silent' });

export async function onSqlite(directory: string, { distribution, count, now }: Content): Promise<Listed> {
  const path = join(directory, `list-${distribution}.db`);
  const memory = databaseMemory();
  const { db } = await openSqlite(path, createOutages(memory.outages, logger), memory.file);
  await migrate(db);
  const sqlite = new SqliteDatabase(path);
  sqlite.pragma('synchronous = OFF');
  sqlite.exec(
    insertKeys(
      distribution,
      count,
      now,
      `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count})
        select n from numbers`,
    ),
  );
  sqlite.pragma('wal_checkpoint(TRUNCATE)');
  sqlite.close();
  return {
    db,
    // Not in a thread: the time at the database is what counts here.
    slowReader: { all: async (query) => (await db.executeQuery(query)).rows as never },
    close: () => db.destroy(),
  };
}

/** A server with the settings that PostgreSQL has by itself. */
export async function onPostgres(_: string, { distribution, count, now }: Content): Promise<Listed> {
  const server = await startPostgres();
  const { pool } = openConnections(server.url, 5, logger, createOutages(databaseMemory().outages, logger));
  const db = new Kysely<Tables>({ dialect: postgresDialect(pool, () => undefined) });
  await migrate(db);
  // The connections of the pool end a statement after some seconds.
  const client = await connectAlone(server.url, undefined, 600_000);
  await client.query('set statement_timeout = 0');
  await client.query(
    insertKeys(distribution, count, now, `select n from generate_series(1::bigint, ${count}) as n`),
  );
  // The server does it by itself a minute later.
  await client.query('vacuum analyze');
  await client.end();
  return {
    db,
    slowReader: openSlowReader(pool),
    async close() {
      await db.destroy();
      await server.remove();
    },
  };
}
