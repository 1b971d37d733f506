import { renameSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { CompiledQuery } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { openBackgroundWriter } from '../../../src/db/sqlite/background-writer.ts';
import { temporaryDirectory } from '../../support/keyhearth.ts';
import { openFile } from '../../support/sqlite.ts';

const insert = (n: number) => CompiledQuery.raw('insert into numbers values (?)', [n]);

async function open() {
  const path = join(temporaryDirectory(), 'numbers.db');
  const { db, condition } = await openFile(path);
  const sqlite = new SqliteDatabase(path);
  sqlite.exec('create table numbers (n integer)');
  const errors: unknown[] = [];
  const writer = openBackgroundWriter(path, condition, (error) => errors.push(error));
  onTestFinished(async () => {
    await writer.close();
    sqlite.close();
    await db.destroy();
  });
  return { path, condition, sqlite, writer, errors };
}

test('has written what it says it has', async () => {
  const { sqlite, writer } = await open();
  await Promise.all([1, 2, 3].map((n) => writer.run(insert(n))));
  expect(sqlite.prepare('select n from numbers').pluck().all().sort()).toEqual([1, 2, 3]);
});

test('a thread that cannot start fails its writes, again and again, and lets itself be closed', async () => {
  const { condition } = await open();
  const errors: unknown[] = [];
  const writer = openBackgroundWriter('/nowhere/numbers.db', condition, (error) => errors.push(error));
  for (let i = 1; i <= 3; i++) {
    await expect(writer.run(insert(i))).rejects.toThrow();
    expect(errors.length).toBeGreaterThanOrEqual(1);
  }
  await writer.close();
});

test('a write that fails says why in the words of the service', async () => {
  const { sqlite, writer, errors } = await open();
  sqlite.exec('drop table numbers');
  await expect(writer.run(insert(1))).rejects.toMatchObject({
    failure: { code: 'database_unavailable', reason: 'damaged' },
    cause: { message: 'no such table: numbers' },
  });
  expect(errors).toEqual([]);
});

test('writes to no file that took the place of the first one, and makes none', async () => {
  const { path, writer } = await open();
  renameSync(path, `${path}.away`);
  const lost = { failure: { code: 'database_unavailable', reason: 'file_lost' } };
  await expect(writer.run(insert(1))).rejects.toMatchObject(lost);
  const other = new SqliteDatabase(path);
  onTestFinished(() => void other.close());
  other.exec('create table numbers (n integer)');
  await expect(writer.run(insert(1))).rejects.toMatchObject(lost);
  expect(other.prepare('select n from numbers').all()).toEqual([]);
});
