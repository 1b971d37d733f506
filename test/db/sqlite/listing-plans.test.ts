import { CompiledQuery } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { migrate } from '../../../src/db/migrate.ts';
import { SORTS, type Sort } from '../../../src/keys/cursor.ts';
import { hasUnmarkedKeys, markExpiredQuery } from '../../../src/keys/expiry-store.ts';
import {
  type Filters,
  firstRows,
  indexedPage,
  type ListQuery,
  scannedPage,
  statusPage,
} from '../../../src/keys/listing-query.ts';
import { KeyId, Scope } from '../../../src/lib/brand.ts';
import { temporaryDirectory } from '../../support/keyhearth.ts';
import { openFile } from '../../support/sqlite.ts';

async function open() {
  const { db } = await openFile(`${temporaryDirectory()}/keyhearth.db`);
  onTestFinished(() => db.destroy());
  await migrate(db);
  return db;
}

type Db = Awaited<ReturnType<typeof open>>;

async function planOf(db: Db, query: CompiledQuery | undefined): Promise<string[]> {
  if (!query) throw new Error('there is no such query');
  const explained = CompiledQuery.raw(`explain query plan ${query.sql}`, [...query.parameters]);
  const { rows } = await db.executeQuery<{ detail: string }>(explained);
  return rows.map(({ detail }) => detail);
}

const queryOf = (filters: Filters, sort: Sort, isFirst: boolean): ListQuery => ({
  ...{ filters, sort, limit: 101, now: 5_000 },
  after: isFirst ? undefined : { value: 1_000, id: KeyId(7) },
});

/** How the rows of the list are found: the steps that read a table other than by the id of one key. */
const reads = (plan: readonly string[]) =>
  plan.filter(
    (step) =>
      /^(SCAN|SEARCH) (api_keys|api_key_listing|api_key_scopes|key)\b/.test(step) &&
      !/PRIMARY KEY \(rowid=\?\)/.test(step),
  );

/** Every read goes through the index. Where there is a cursor, it begins there. */
function expectIndex(plan: readonly string[], index: string, isFirst: boolean): void {
  expect(reads(plan), plan.join('\n')).not.toEqual([]);
  for (const step of reads(plan)) {
    expect(step).toContain(index);
    if (!isFirst) expect(step).toMatch(/^SEARCH .*(?:[<>]\?|=\? AND id[<>]\?)\)$/);
  }
}

const inOrder = ['created_at', '-created_at'] as const;
const cases: [Filters, readonly Sort[], string][] = [
  [{}, inOrder, 'api_key_listing'],
  [{}, ['last_used_at', '-last_used_at'], 'COVERING INDEX api_key_listing_last_used_at'],
  [{}, ['expires_at', '-expires_at'], 'COVERING INDEX api_key_listing_expires_at'],
  [{ status: 'inactive' }, inOrder, 'COVERING INDEX api_key_listing_state (state=?'],
  [{ source: 'created' }, inOrder, 'COVERING INDEX api_key_listing_source (source=?'],
  [{ prefix: 'kh' }, inOrder, 'COVERING INDEX api_key_listing_prefix (prefix=?'],
  [{ scope: Scope('*') }, inOrder, 'COVERING INDEX api_key_listing_unlimited'],
  [{ scope: Scope('a:b') }, inOrder, 'api_key_scopes USING PRIMARY KEY (scope=?'],
];

test.each(cases)('%j in the order %j uses %s', async (filters, sorts, index) => {
  const db = await open();
  for (const sort of sorts) {
    for (const isFirst of [true, false]) {
      const plan = await planOf(db, indexedPage(db, queryOf(filters, sort, isFirst)));
      expectIndex(plan, index, isFirst);
      // The two parts of a page after a cursor are merged. No part is sorted as a whole, since it can be any number of keys.
      const sorts = plan.filter((step) => step.startsWith('USE TEMP B-TREE')).length;
      expect(sorts, plan.join('\n')).toBe(isFirst ? 0 : 2);
    }
  }
});

test('active and expired keys have their indexes', async () => {
  const db = await open();
  for (const sort of inOrder) {
    for (const isFirst of [true, false]) {
      const active = await planOf(db, statusPage(db, queryOf({ status: 'active' }, sort, isFirst)));
      expectIndex(active, 'COVERING INDEX api_key_listing_state (state=?', isFirst);
      const expired = reads(await planOf(db, statusPage(db, queryOf({ status: 'expired' }, sort, isFirst))));
      const unmarked = expired.filter((step) => step.includes('INDEX api_keys_ending (expires_at<?'));
      const marked = expired.filter((step) => step.includes('COVERING INDEX api_key_listing_state (state=?'));
      expect([unmarked.length, marked.length], expired.join('\n')).toEqual([1, isFirst ? 1 : 2]);
      expect(expired).toHaveLength(unmarked.length + marked.length);
    }
  }
});

test('everything else is read in the order of the table, and a few rows of the sort first', async () => {
  const db = await open();
  const everything: Filters = {
    ...{ label: 'a', owner: 'b', status: 'expired', scope: Scope('a:b') },
    ...{ source: 'created', prefix: 'kh' },
  };
  for (const filters of [everything, { label: 'a' }, { source: 'created', prefix: 'kh' } as const]) {
    for (const sort of SORTS) {
      for (const isFirst of [true, false]) {
        const query = queryOf(filters, sort, isFirst);
        expect(indexedPage(db, query)).toBeUndefined();
        for (const step of reads(await planOf(db, scannedPage(db, query))))
          expect(step).toMatch(
            /^(SCAN api_key_listing|SEARCH api_key_listing USING PRIMARY KEY \(created_at[<>]\?\))$/,
          );
        const by = sort.replace('-', '');
        const index = by === 'created_at' ? 'api_key_listing' : `INDEX api_key_listing_${by}`;
        expectIndex(await planOf(db, firstRows(db, query)), index, isFirst);
      }
    }
  }
});

test('the active keys that expire next are found behind those that have expired', async () => {
  const db = await open();
  const query = queryOf({ status: 'active', label: 'a' }, 'expires_at', true);
  const plan = await planOf(db, firstRows(db, query));
  expect(reads(plan)).toEqual([
    'SEARCH api_key_listing USING INDEX api_key_listing_expires_at (expires_at>?)',
  ]);
});

test('the sweeper finds the keys to mark in their index', async () => {
  const db = await open();
  expect(await hasUnmarkedKeys(db, 5_000)).toBe(false);
  const plan = await planOf(db, markExpiredQuery(db, 5_000, 500));
  expect(plan.join('\n')).toContain('INDEX api_keys_ending (expires_at<?)');
});
