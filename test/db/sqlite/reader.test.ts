import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
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
  /** Whether the epoch is another one than when this was last asked, by a new look. */
  let epoch = reader.epoch();
  const hasChanged = async () => {
    await nextTurn();
    const before = epoch;
    epoch = reader.epoch();
    return epoch !== before;
  };
  const hasNumbers = reader.exists({ sql: 'select 1 from numbers', parameters: [] } as never);
  return { path, writer, reader, hasChanged, hasNumbers };
}

test('a thousand commits are each noticed, once', async () => {
  const { writer, hasChanged } = await open();
  const insert = writer.prepare('insert into numbers values (?)');
  for (let i = 0; i < 1_000; i++) {
    expect(await hasChanged()).toBe(false);
    insert.run(i);
    if (i % 100 === 0) writer.pragma('wal_checkpoint(truncate)');
    expect(await hasChanged()).toBe(true);
  }
});

test('the commit of another process is noticed', async () => {
  const { path, hasChanged } = await open();
  for (let i = 0; i < 3; i++) {
    expect(await hasChanged()).toBe(false);
    const script = `new (require('better-sqlite3'))(${JSON.stringify(path)}).exec('insert into numbers values (1)')`;
    expect(spawnSync(process.execPath, ['-e', script], { cwd: process.cwd() }).status).toBe(0);
    expect(await hasChanged()).toBe(true);
  }
});

test('what is not committed is neither noticed nor seen', async () => {
  const { writer, hasChanged, hasNumbers } = await open();
  writer.exec('begin immediate; insert into numbers values (1)');
  expect(await hasChanged()).toBe(false);
  expect(hasNumbers()).toBe(false);
  writer.exec('commit');
  expect(await hasChanged()).toBe(true);
  expect(hasNumbers()).toBe(true);
});

test('one look sees one state, whatever is asked first', async () => {
  const { writer, reader, hasNumbers } = await open();
  const insert = writer.prepare('insert into numbers values (1)');
  await nextTurn();
  const before = reader.epoch() ?? 0;
  insert.run();
  // No row has been read yet: it may be newer than the epoch, and never older.
  expect(reader.epoch()).toBe(before);
  expect(hasNumbers()).toBe(true);

  await nextTurn();
  expect(hasNumbers()).toBe(true);
  writer.exec('delete from numbers');
  expect(reader.epoch()).toBe(before + 1);
  expect(hasNumbers()).toBe(true);

  await nextTurn();
  expect(reader.epoch()).toBe(before + 2);
  expect(hasNumbers()).toBe(false);
});

test('a look keeps nobody from truncating the log once it is over', async () => {
  const { writer, hasNumbers } = await open();
  const truncate = () => writer.pragma('wal_checkpoint(truncate)', { simple: true });
  writer.pragma('busy_timeout = 0');
  for (let i = 0; i < 3; i++) {
    writer.exec('insert into numbers values (1)');
    hasNumbers();
    expect(truncate()).toBe(1);
    await nextTurn();
    expect(truncate()).toBe(0);
  }
});

test('a query that fails does not spoil the next', async () => {
  const { writer, hasNumbers } = await open();
  writer.exec('alter table numbers rename to figures');
  expect(hasNumbers).toThrow(/no such table/);
  expect(hasNumbers).toThrow(/no such table/);
  writer.exec('alter table figures rename to numbers');
  await nextTurn();
  expect(hasNumbers()).toBe(false);
});

test('a reader may be closed in the middle of a look', async () => {
  const { path } = await open();
  const reader = openReader(path);
  reader.exists({ sql: 'select 1 from numbers', parameters: [] } as never)();
  reader.close();
  await nextTurn();
});

test('a reader cannot write', async () => {
  const { reader } = await open();
  const insert = reader.exists({
    sql: 'insert into numbers values (1) returning n',
    parameters: [],
  } as never);
  expect(() => insert()).toThrow(/readonly/);
});
