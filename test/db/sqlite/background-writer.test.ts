import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { CompiledQuery } from 'kysely';
import { expect, test } from 'vitest';
import { openBackgroundWriter } from '../../../src/db/sqlite/background-writer.ts';
import { temporaryDirectory } from '../../support/keyhearth.ts';

test('has written what it says it has', async () => {
  const path = join(temporaryDirectory(), 'numbers.db');
  const sqlite = new SqliteDatabase(path);
  sqlite.exec('create table numbers (n integer)');
  const writer = openBackgroundWriter(path, () => undefined);
  const writes = [1, 2, 3].map((n) => writer.run(CompiledQuery.raw('insert into numbers values (?)', [n])));
  await Promise.all(writes);
  await writer.close();
  expect(sqlite.prepare('select n from numbers').pluck().all().sort()).toEqual([1, 2, 3]);
  sqlite.close();
});

test('a thread that cannot start fails its writes, again and again, and lets itself be closed', async () => {
  const errors: unknown[] = [];
  const writer = openBackgroundWriter('/nowhere/numbers.db', (error) => errors.push(error));
  for (let i = 1; i <= 3; i++) {
    await expect(writer.run(CompiledQuery.raw('select 1'))).rejects.toThrow();
    expect(errors.length).toBeGreaterThanOrEqual(1);
  }
  await writer.close();
});
