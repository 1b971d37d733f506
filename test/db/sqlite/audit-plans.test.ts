import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { type CompiledQuery, Kysely, SqliteDialect } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import type { Selection } from '../../../src/audit/event.ts';
import { deleteQuery, hasEventsBefore, readStep } from '../../../src/audit/store.ts';
import { migrate } from '../../../src/db/migrate.ts';
import type { Tables } from '../../../src/db/tables.ts';
import { EventId, KeyId } from '../../../src/lib/brand.ts';
import { temporaryDirectory } from '../../support/keyhearth.ts';
import { openFile } from '../../support/sqlite.ts';

async function open() {
  const path = join(temporaryDirectory(), 'keyhearth.db');
  const { db: first } = await openFile(path);
  await migrate(first);
  await first.destroy();
  const sqlite = new SqliteDatabase(path);
  const queries: CompiledQuery[] = [];
  const dialect = new SqliteDialect({ database: sqlite });
  const db = new Kysely<Tables>({ dialect, log: ({ query }) => void queries.push(query) });
  onTestFinished(() => db.destroy());
  /** How SQLite would run what was asked. */
  function plans(): string[] {
    return queries.map(({ sql, parameters }) =>
      sqlite
        .prepare<unknown[], { detail: string }>(`explain query plan ${sql}`)
        .all(...parameters)
        .map(({ detail }) => detail)
        .join('; '),
    );
  }
  return { db, queries, plans };
}

const filters: [string, Selection][] = [
  ['audit_events_at', {}],
  ['audit_events_key', { keyId: KeyId(1) }],
  ['audit_events_actor', { actorKey: KeyId(1) }],
  ['audit_events_action', { action: 'key.created' }],
  ['audit_events_key', { keyId: KeyId(1), actorKey: KeyId(1), action: 'key.created' }],
  ['audit_events_actor', { actorKey: KeyId(1), action: 'key.created' }],
];

test.each(filters)('with %s, %j reads its own events alone, in their order', async (index, selection) => {
  const { db, plans, queries } = await open();
  for (const after of [undefined, { at: 5, id: EventId(5) }]) {
    for (const time of [{}, { from: 1 }, { to: 9 }, { from: 1, to: 9 }]) {
      await readStep(db, { ...selection, ...time }, after, 10);
    }
  }
  expect(queries.length).toBeGreaterThanOrEqual(8);
  for (const [i, plan] of plans().entries()) {
    expect(plan).toMatch(new RegExp(`(SEARCH|SCAN) audit_events USING (COVERING )?INDEX ${index}`));
    // Few rows reach the outer query, so it may sort them.
    if (!queries[i]?.sql.includes('from (select')) expect(plan).not.toMatch(/TEMP B-TREE/);
  }
});

test('the retention reads what it deletes alone', async () => {
  const { db, plans, queries } = await open();
  await hasEventsBefore(db, 5);
  queries.push(deleteQuery(db, 5, 200));
  for (const plan of plans()) {
    expect(plan).toMatch(/INDEX audit_events_at \(at<\?\)/);
    expect(plan).not.toMatch(/TEMP B-TREE|SCAN audit_events/);
  }
});
