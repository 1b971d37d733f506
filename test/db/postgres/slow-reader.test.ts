import { CompiledQuery, Kysely } from 'kysely';
import { pino } from 'pino';
import { expect, inject, onTestFinished, test } from 'vitest';
import { migrate } from '../../../src/db/migrate.ts';
import { openConnections } from '../../../src/db/postgres/connections.ts';
import { postgresDialect } from '../../../src/db/postgres/dialect.ts';
import { openSlowReader } from '../../../src/db/postgres/slow-reader.ts';
import type { Tables } from '../../../src/db/tables.ts';
import { SORTS } from '../../../src/keys/cursor.ts';
import { scannedPage } from '../../../src/keys/listing-query.ts';
import { loggedOutages } from '../../support/outages.ts';
import { createDatabase, nameFor, query } from '../../support/postgres.ts';

const { server = '' } = inject('postgres');

/** With one connection for all that is not a fast read. */
async function open() {
  const name = nameFor('slow-reader');
  const url = await createDatabase(server, name);
  const { pool } = openConnections(url, 3, pino({ level: 'silent' }), loggedOutages().outages);
  const db = new Kysely<Tables>({ dialect: postgresDialect(pool, () => undefined) });
  onTestFinished(async () => {
    await db.destroy();
    await query(server, `drop database ${name} with (force)`);
  });
  return { db, slowReader: openSlowReader(pool) };
}

test('a slow read has settings of its own, which the next user of the connection does not see', async () => {
  const { db, slowReader } = await open();
  const settings = CompiledQuery.raw(
    "select current_setting('plan_cache_mode') as plan, current_setting('jit') as jit",
  );
  const [before] = (await db.executeQuery(settings)).rows;
  expect(await slowReader.all(settings, 'a')).toEqual([{ plan: 'force_custom_plan', jit: 'off' }]);
  await expect(slowReader.all(CompiledQuery.raw('select 1 / 0'), 'a')).rejects.toThrow('division by zero');
  expect((await db.executeQuery(settings)).rows).toEqual([before]);
  expect(before).toMatchObject({ plan: 'auto' });
});

test('a page for which all keys are read uses no index of the sort', async () => {
  const { db } = await open();
  await migrate(db);
  await db.connection().execute(async (connection) => {
    // Then PostgreSQL takes any index that fits.
    await connection.executeQuery(CompiledQuery.raw('set enable_seqscan = off'));
    for (const sort of SORTS) {
      const page = scannedPage(db, {
        ...{ filters: { label: 'a' }, sort, limit: 101, now: 0, after: undefined },
      });
      const explained = CompiledQuery.raw(`explain ${page.sql}`, [...page.parameters]);
      const { rows } = await connection.executeQuery<{ 'QUERY PLAN': string }>(explained);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toContain('Seq Scan on api_key_listing');
    }
  });
});
