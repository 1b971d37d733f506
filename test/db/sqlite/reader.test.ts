import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { openSqlite } from '../../../src/db/sqlite/open.ts';
import { openReader } from '../../../src/db/sqlite/reader.ts';
import { temporaryDirectory } from '../../support/keyhearth.ts';

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
  /** Whether the epoch is another one than when this was last asked. */
  let epoch = reader.epoch();
  const hasChanged = () => {
    const before = epoch;
    epoch = reader.epoch();
    return epoch !== before;
  };
  return { path, writer, reader, hasChanged };
}

test('a thousand commits are each noticed, once', async () => {
  const { writer, hasChanged } = await open();
  const insert = writer.prepare('insert into numbers values (?)');
  for (let i = 0; i < 1_000; i++) {
    expect(hasChanged()).toBe(false);
    insert.run(i);
    if (i % 100 === 0) writer.pragma('wal_checkpoint(truncate)');
    expect(hasChanged()).toBe(true);
  }
});

test('the commit of another process is noticed', async () => {
  const { path, hasChanged } = await open();
  for (let i = 0; i < 3; i++) {
    expect(hasChanged()).toBe(false);
    const script = `new (require('better-sqlite3'))(${JSON.stringify(path)}).exec('insert into numbers values (1)')`;
    expect(spawnSync(process.execPath, ['-e', script], { cwd: process.cwd() }).status).toBe(0);
    expect(hasChanged()).toBe(true);
  }
});

test('what is not committed is neither noticed nor seen', async () => {
  const { writer, reader, hasChanged } = await open();
  const hasNumbers = reader.exists({ sql: 'select 1 from numbers', parameters: [] } as never);
  writer.exec('begin immediate; insert into numbers values (1)');
  expect(hasChanged()).toBe(false);
  expect(hasNumbers()).toBe(false);
  writer.exec('commit');
  expect(hasChanged()).toBe(true);
  expect(hasNumbers()).toBe(true);
});

test('a reader cannot write', async () => {
  const { reader } = await open();
  const insert = reader.exists({
    sql: 'insert into numbers values (1) returning n',
    parameters: [],
  } as never);
  expect(() => insert()).toThrow(/readonly/);
});
