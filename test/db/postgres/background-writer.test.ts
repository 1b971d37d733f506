import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import { pino } from 'pino';
import { expect, inject, onTestFinished, test } from 'vitest';
import { openBackgroundWriter } from '../../../src/db/postgres/background-writer.ts';
import { openConnections } from '../../../src/db/postgres/connections.ts';
import type { Tables } from '../../../src/db/tables.ts';
import { KeyId } from '../../../src/lib/brand.ts';
import { batchQueries } from '../../../src/usage/store.ts';
import { loggedOutages } from '../../support/outages.ts';
import { createDatabase, query } from '../../support/postgres.ts';

const compiler = new Kysely<Tables>({
  dialect: {
    createDriver: () => new DummyDriver(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

test('two replicas that write uses of the same keys in different orders do not stop each other', async () => {
  const url = await createDatabase(inject('postgres').server ?? '', 'keyhearth_test_background');
  await query(url, 'drop table if exists api_keys, usage_hours, usage_writers');
  await query(
    url,
    'create table api_keys as select id::bigint, 0::bigint as use_count, 0::bigint as last_used_at from generate_series(1, 2000) as id; create unique index on api_keys (id)',
  );
  await query(
    url,
    'create table usage_hours (start bigint, key_id bigint, outcome text, count bigint, primary key (start, key_id, outcome)); create table usage_writers (id text primary key, batch bigint, written_at bigint)',
  );
  const replicas = [1, 2].map(() => {
    const connections = openConnections(url, 2, pino({ level: 'silent' }), loggedOutages().outages);
    onTestFinished(() => connections.pool.end());
    return openBackgroundWriter(connections.pool);
  });
  const usages = Array.from({ length: 1_000 }, (_, i) => ({
    id: KeyId(i + 1),
    count: 1,
    lastUsedAt: i,
    hours: [{ start: 0, counts: [1, 2] }],
  }));
  const orders = [usages, usages.toReversed()];
  for (let round = 0; round < 10; round++) {
    await Promise.all(
      replicas.map((each, i) =>
        each.run(
          ...batchQueries(compiler, {
            writerId: `replica ${i}`,
            number: round + 1,
            at: 0,
            usages: orders[i] ?? [],
          }),
        ),
      ),
    );
  }
  expect(
    await query(
      url,
      'select use_count, count(*) as keys, max(last_used_at) as latest from api_keys group by 1 order by 1',
    ),
  ).toEqual([
    { use_count: 0, keys: 1_000, latest: 0 },
    { use_count: 20, keys: 1_000, latest: 999 },
  ]);
  expect(
    await query(
      url,
      'select key_id = 0 as is_total, outcome, count, count(*) as rows from usage_hours group by 1, 2, 3 order by 1, 2',
    ),
  ).toEqual([
    { is_total: false, outcome: 'INACTIVE', count: 40, rows: 1_000 },
    { is_total: false, outcome: 'VALID', count: 20, rows: 1_000 },
    { is_total: true, outcome: 'INACTIVE', count: 40_000, rows: 1 },
    { is_total: true, outcome: 'VALID', count: 20_000, rows: 1 },
  ]);
});
