import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { openSqlite } from '../../src/db/open.ts';
import { openReader } from '../../src/db/reader.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';

async function open() {
  const path = join(temporaryDirectory(), 'keyhearth.db');
  const db = await openSqlite(path);
  const writer = new SqliteDatabase(path);
  writer.exec('create table numbers (n integer)');
  const reader = openReader(path);
  onTestFinished(async () => {
    reader.close();
    writer.close();
    await db.destroy();
  });
  reader.hasChanged();
  return { path, writer, reader };
}

test('a thousand commits are each noticed, once', async () => {
  const { writer, reader } = await open();
  const insert = writer.prepare('insert into numbers values (?)');
  for (let i = 0; i < 1_000; i++) {
    expect(reader.hasChanged()).toBe(false);
    insert.run(i);
    if (i % 100 === 0) writer.pragma('wal_checkpoint(truncate)');
    expect(reader.hasChanged()).toBe(true);
  }
});

test('the commit of another process is noticed', async () => {
  const { path, reader } = await open();
  for (let i = 0; i < 3; i++) {
    expect(reader.hasChanged()).toBe(false);
    const script = `new (require('better-sqlite3'))(${JSON.stringify(path)}).exec('insert into numbers values (1)')`;
    expect(spawnSync(process.execPath, ['-e', script], { cwd: process.cwd() }).status).toBe(0);
    expect(reader.hasChanged()).toBe(true);
  }
});

test('what is not committed is neither noticed nor seen', async () => {
  const { writer, reader } = await open();
  const count = reader.prepare<{ n: number }>({
    sql: 'select count(*) as n from numbers',
    parameters: [],
  } as never);
  writer.exec('begin immediate; insert into numbers values (1)');
  expect(reader.hasChanged()).toBe(false);
  expect(count()).toEqual({ n: 0 });
  writer.exec('commit');
  expect(reader.hasChanged()).toBe(true);
  expect(count()).toEqual({ n: 1 });
});

test('a reader cannot write', async () => {
  const { reader } = await open();
  const insert = reader.prepare({
    sql: 'insert into numbers values (1) returning n',
    parameters: [],
  } as never);
  expect(() => insert()).toThrow(/readonly/);
});
