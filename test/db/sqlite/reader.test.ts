import { spawnSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { openReader } from '../../../src/db/sqlite/reader.ts';
import { temporaryDirectory } from '../../support/keyhearth.ts';
import { openFile } from '../../support/sqlite.ts';

/** As short as can be: the code that runs now returns to its caller. */
const nextTurn = () => Promise.resolve();

async function open() {
  const path = join(temporaryDirectory(), 'keyhearth.db');
  const { db, condition } = await openFile(path);
  const writer = new SqliteDatabase(path);
  writer.exec('create table numbers (n integer)');
  const reader = openReader(path, condition);
  onTestFinished(async () => {
    reader.close();
    writer.close();
    await db.destroy();
  });
  /** Whether the epoch has changed since the last call. */
  let epoch = reader.epoch();
  const hasChanged = async () => {
    await nextTurn();
    const before = epoch;
    epoch = reader.epoch();
    return epoch !== before;
  };
  const hasNumbers = reader.exists({ sql: 'select 1 from numbers', parameters: [] } as never);
  return { path, writer, condition, reader, hasChanged, hasNumbers };
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

test('one turn sees one state, whatever is read first', async () => {
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

test('a turn that is over keeps nobody from truncating the log', async () => {
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
  for (let i = 0; i < 2; i++) {
    expect(hasNumbers).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ message: 'no such table: numbers' }) }),
    );
  }
  writer.exec('alter table figures rename to numbers');
  await nextTurn();
  expect(hasNumbers()).toBe(false);
});

test('a damaged page fails the query that meets it, and no other', async () => {
  const { path, writer, condition } = await open();
  writer.exec(`
    create table pages (n integer primary key, filler text);
    insert into pages
      with recursive numbered(n) as (select 1 union all select n + 1 from numbered where n < 1000)
      select n, hex(randomblob(1000)) from numbered;
    pragma wal_checkpoint(truncate)`);
  const [{ pageno: page } = { pageno: 0 }] = writer
    .prepare<[], { pageno: number }>(
      `select pageno from dbstat where name = 'pages' and pagetype = 'leaf' order by path limit 1`,
    )
    .all();
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(4_096), 0, 4_096, (page - 1) * 4_096);
  closeSync(file);
  const reader = openReader(path, condition);
  onTestFinished(() => reader.close());
  const find = (what: string) =>
    reader.exists({ sql: `select 1 from pages where ${what}`, parameters: [] } as never);
  for (let i = 0; i < 3; i++) {
    expect(find(`filler = ''`)).toThrow(
      expect.objectContaining({
        failure: { code: 'database_unavailable', reason: 'damaged', retryAfter: 30 },
        cause: expect.objectContaining({ code: 'SQLITE_CORRUPT' }),
      }),
    );
    expect(find('n = 1000')()).toBe(true);
    await nextTurn();
    expect(find('n = 1000')()).toBe(true);
    await nextTurn();
  }
});

test('a reader may be closed in the middle of a turn', async () => {
  const { path, condition } = await open();
  const reader = openReader(path, condition);
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
  expect(() => insert()).toThrow(
    expect.objectContaining({ cause: expect.objectContaining({ code: 'SQLITE_READONLY' }) }),
  );
});
