import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import { pino } from 'pino';
import { expect, inject, onTestFinished, test } from 'vitest';
import { openBackgroundWriter } from '../../../src/db/postgres/background-writer.ts';
import { openConnections } from '../../../src/db/postgres/connections.ts';
import type { Tables } from '../../../src/db/tables.ts';
import { usesQuery } from '../../../src/keys/store.ts';
import { KeyId } from '../../../src/lib/brand.ts';
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
  await query(url, 'drop table if exists api_keys');
  await query(
    url,
    'create table api_keys as select id::bigint, 0::bigint as use_count, 0::bigint as last_used_at from generate_series(1, 2000) as id; create unique index on api_keys (id)',
  );
  const replicas = [1, 2].map(() => {
    const connections = openConnections(url, 2, pino({ level: 'silent' }), loggedOutages().outages);
    onTestFinished(() => connections.pool.end());
    return openBackgroundWriter(connections.pool);
  });
  const uses = Array.from({ length: 1_000 }, (_, i) => ({ id: KeyId(i + 1), count: 1, lastUsedAt: i }));
  const orders = [uses, uses.toReversed()];
  for (let round = 0; round < 10; round++) {
    await Promise.all(replicas.map((each, i) => each.run(usesQuery(compiler, orders[i] ?? []))));
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
});
