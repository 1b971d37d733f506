import { cpSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { Client } from 'pg';
import { expect, inject, onTestFinished, test } from 'vitest';
import { copyDatabase } from '../../src/copy/copy.ts';
import { COPIED_TABLES, NOT_COPIED_TABLES } from '../../src/db/copied.ts';
import type { DatabaseLocation } from '../../src/db/location.ts';
import { unfinishedCopyOf } from '../../src/db/migrate.ts';
import { openPostgresSide } from '../../src/db/postgres/copy-side.ts';
import { connectAlone, isAlone, OTHER_SESSIONS } from '../../src/db/postgres/session.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { keyhearth } from '../cli/command.ts';
import { databaseFor, FIRST_KEY, register, startService, temporaryDirectory } from '../support/keyhearth.ts';
import { operator } from '../support/keys.ts';
import { ADMIN } from '../support/people.ts';
import { createDatabase, nameFor, query } from '../support/postgres.ts';

const logger = createLogger('silent', process.stderr);

const internal = ['kysely_migration', 'kysely_migration_lock', 'sqlite_sequence'];

test('every table is copied, or in the list of those that are not', async () => {
  const dataDir = temporaryDirectory();
  const running = await startService({ dataDir, env: sqliteIn(dataDir) });
  await running.close();
  const file = tablesOf(join(dataDir, 'keyhearth.db'));
  const { DATABASE_URL: url = '' } = await databaseFor(dataDir);
  await (await startService({ dataDir: temporaryDirectory(), env: { DATABASE_URL: url } })).close();
  const rows = await query<{ name: string }>(
    url,
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  );
  const all = new Set([...file, ...rows.map(({ name }) => name)]);
  expect([...all].sort()).toEqual([...COPIED_TABLES, ...NOT_COPIED_TABLES, ...internal].sort());
});

const sqliteIn = (dataDir: string) => ({ DATABASE_URL: `sqlite:${join(dataDir, 'keyhearth.db')}` });

function tablesOf(path: string): string[] {
  const sqlite = new SqliteDatabase(path, { readonly: true });
  try {
    return sqlite.prepare<[], string>("select name from sqlite_schema where type = 'table'").pluck().all();
  } finally {
    sqlite.close();
  }
}

/** A stopped service on SQLite with rows in all tables, and an empty database on the server. */
async function stopped() {
  const dataDir = temporaryDirectory();
  const file = join(dataDir, 'keyhearth.db');
  const running = await startService({ dataDir, env: sqliteIn(dataDir) });
  await register(running.send);
  const { made, call } = operator(running.send);
  const kept = await made({ label: 'Zürich 日本 "quoted"\\', expires_in: '30d', metadata: { a: [1, null] } });
  const { id: deleted } = await made({ label: 'deleted' });
  await call('DELETE', `/auth/keys/${deleted}`);
  await running.send({ path: '/auth/verify', key: kept.raw_key });
  await running.send({ method: 'POST', path: '/auth/setup', body: ADMIN, key: FIRST_KEY });
  await running.close();
  fill(file);
  const url = await createDatabase(inject('postgres').server ?? '', nameFor(dataDir));
  const run = (...args: string[]) =>
    keyhearth(['copy', ...args, '--json'], { env: { TARGET: url, BACK: join(dataDir, 'back.db') } });
  return { dataDir, file, url, kept, deleted, run };
}

/** Gives each empty table a row. */
function fill(path: string): void {
  const sqlite = new SqliteDatabase(path);
  for (const table of COPIED_TABLES) {
    if (sqlite.prepare(`select 1 from ${table}`).get() !== undefined) continue;
    const columns = sqlite
      .prepare<[string], { name: string; type: string }>('select name, type from pragma_table_info(?)')
      .all(table);
    const values = columns.map(({ name, type }) => (type === 'TEXT' ? `${name} ü` : 1));
    sqlite.prepare(`insert into ${table} values (${columns.map(() => '?').join()})`).run(...values);
  }
  sqlite.close();
}

test('to PostgreSQL and back: the same rows, the same keys, and no id twice', async () => {
  const { dataDir, file, url, kept, deleted, run } = await stopped();
  const there = await run(file, 'env:TARGET');
  expect(there).toMatchObject({ code: 0, stderr: expect.stringContaining('equal to its source') });
  const { tables } = JSON.parse(there.stdout);
  expect(tables.map(({ table }: { table: string }) => table)).toEqual(COPIED_TABLES);
  for (const { rows } of tables) expect(rows).toBeGreaterThan(0);
  const back = await run('env:TARGET', 'env:BACK');
  expect(back).toMatchObject({ code: 0 });
  expect(JSON.parse(back.stdout)).toEqual(JSON.parse(there.stdout));

  for (const env of [{ DATABASE_URL: url }, { DATABASE_URL: `sqlite:${join(dataDir, 'back.db')}` }]) {
    const running = await startService({ dataDir, env });
    const { made } = operator(running.send);
    for (const key of [FIRST_KEY, kept.raw_key])
      expect((await running.send({ path: '/auth/verify', key })).status).toBe(200);
    const { json } = await running.send({ path: '/auth/keys?label=z%C3%BCrich', key: FIRST_KEY });
    expect(json.keys).toMatchObject([{ id: kept.id, label: kept.label, metadata: { a: [1, null] } }]);
    expect((await made()).id).toBeGreaterThan(deleted);
    expect((await running.send({ method: 'POST', path: '/auth/login', body: ADMIN })).status).toBe(200);
    await running.close();
  }
});

const atServer = (url: string): DatabaseLocation => ({ engine: 'postgres', url, pool: 3, cache: false });

/** Stops a copy before it has compared a table. */
const interrupt = (from: DatabaseLocation, to: DatabaseLocation, before: string) =>
  copyDatabase({
    ...{ from, to, logger },
    report(step) {
      if (step === before) throw new Error('interrupted');
    },
  });

test('a copy that is interrupted serves nobody, and continues', async () => {
  const { dataDir, file, url, run } = await stopped();
  await expect(
    interrupt({ engine: 'sqlite', path: file }, atServer(url), 'Copying sessions'),
  ).rejects.toThrow('interrupted');
  await expect(startService({ dataDir, env: { DATABASE_URL: url } })).rejects.toThrow(
    /not complete.*keyhearth copy/,
  );
  expect(await run(file, 'env:TARGET')).toMatchObject({
    ...{ code: 0, stderr: expect.stringContaining('interrupted copy was continued') },
  });
  await (await startService({ dataDir, env: { DATABASE_URL: url } })).close();
});

test.each(['DATABASE_URL', '$DATABASE_URL'])('the name of a variable is no file: %s', async (to) => {
  const { code, stderr } = await keyhearth(['copy', 'a.db', to]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('write env:DATABASE_URL') });
});

test('a directory is no database', async () => {
  expect(await keyhearth(['copy', '/tmp', 'x'])).toMatchObject({
    code: 2,
    stderr: 'keyhearth: /tmp is a directory; name a file, such as /tmp/keyhearth.db.\n',
  });
});

test.each([
  ['mysql://h/d', 'The URL'],
  ['env:WRONG', 'WRONG'],
])('a wrong database is named as it was given: %s', async (place, name) => {
  const { code, stderr } = await keyhearth(['copy', place, 'x'], { env: { WRONG: 'mysql://h/d' } });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(new RegExp(`${name} must`, 'i')),
  });
  expect(stderr).not.toContain('DATABASE_URL');
});

test('one value that differs fails the copy, which then serves nobody', async () => {
  const { dataDir, file, url, run } = await stopped();
  const before = interrupt({ engine: 'sqlite', path: file }, atServer(url), 'Comparing database_identity');
  await expect(before).rejects.toThrow('interrupted');
  await query(url, `update api_keys set hint = 'other' where id = 1`);
  const { code, stderr } = await run(file, 'env:TARGET');
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining('The table api_keys is not the same'),
  });
  await expect(startService({ dataDir, env: { DATABASE_URL: url } })).rejects.toThrow(/not complete/);
});

test('an interrupted copy of another database is not continued', async () => {
  const { file, url } = await stopped();
  await expect(
    interrupt({ engine: 'sqlite', path: file }, atServer(url), 'Copying sessions'),
  ).rejects.toThrow('interrupted');
  const other = await stopped();
  const { code, stderr } = await keyhearth(['copy', other.file, 'env:TARGET'], { env: { TARGET: url } });
  expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining('is not empty') });
});

test.each(['source', 'target'])('a %s that a service uses is refused, and not changed', async (used) => {
  const { dataDir, file, url, run } = await stopped();
  const copy = join(dataDir, 'copy.db');
  cpSync(file, copy);
  const [from, to] = used === 'source' ? [copy, 'env:TARGET'] : ['env:TARGET', copy];
  if (used === 'target') expect(await run(file, 'env:TARGET')).toMatchObject({ code: 0 });
  const running = await startService({ dataDir, env: { DATABASE_URL: `sqlite:${copy}` } });
  onTestFinished(() => running.close());
  const onFile = await run(from, to);
  expect(onFile).toMatchObject({ code: 5, stderr: expect.stringMatching(/Another process uses .*copy\.db/) });
  if (used === 'target') return;

  const served = await startService({ dataDir: temporaryDirectory(), env: { DATABASE_URL: url } });
  onTestFinished(() => served.close());
  for (const args of [
    [file, 'env:TARGET'],
    ['env:TARGET', 'env:BACK'],
  ] as const)
    expect(await run(...args)).toMatchObject({
      ...{ code: 5, stderr: expect.stringMatching(/Another process uses postgres:/) },
    });
});

test('a service that starts on PostgreSQL during the copy changes nothing, and the copy is not complete', async () => {
  const { dataDir, file, url, run } = await stopped();
  expect(await run(file, 'env:TARGET')).toMatchObject({ code: 0 });
  // The copy takes many times as long as the service takes to connect.
  await query(
    url,
    `insert into audit_events (at, action, actor_kind, changes)
      select i, 'test', 'operator', '{}' from generate_series(1, 20000) as i`,
  );
  const back = join(dataDir, 'back.db');
  let started: ReturnType<typeof startService> | undefined;
  const copying = copyDatabase({
    ...{ from: atServer(url), to: { engine: 'sqlite', path: back }, logger },
    report() {
      started ??= startService({ dataDir, env: { DATABASE_URL: url } });
    },
  });
  await expect(copying).rejects.toThrow(/has begun to use postgres:.*run the same command again/);
  await (await started)?.close();
  await expect(startService({ dataDir, env: { DATABASE_URL: `sqlite:${back}` } })).rejects.toThrow(
    'not complete',
  );
});

/** An empty database on the server with all tables, and the side of a copy into it. */
async function emptyTarget() {
  const dataDir = temporaryDirectory();
  const url = await createDatabase(inject('postgres').server ?? '', nameFor(dataDir));
  await (await startService({ dataDir, env: { DATABASE_URL: url } })).close();
  const side = await openPostgresSide(url, false);
  if (!side) throw new Error('the database is in use');
  onTestFinished(() => side.close());
  return { dataDir, url, side };
}

const MARK = unfinishedCopyOf('a database');

test('a service that connects just before the copy begins stops the copy, and keeps its database', async () => {
  const { dataDir, url, side } = await emptyTarget();
  const service = await connectAlone(url);
  expect(await side.addMigrationAlone(MARK)).toBe(false);
  expect(await side.migrations()).not.toContain(MARK);
  await service.end();
  expect(await side.addMigrationAlone(MARK)).toBe(true);
  await expect(startService({ dataDir, env: { DATABASE_URL: url } })).rejects.toThrow('not complete');
});

test('a session that ends during the check does not stop the copy', async () => {
  const { url, side } = await emptyTarget();
  await side.close();
  const [service, client] = [await connectAlone(url), await connectAlone(url)];
  onTestFinished(() => client.end());
  await client.query('begin');
  expect((await client.query(OTHER_SESSIONS)).rows).not.toEqual([]);
  await service.end();
  expect(await isAlone(client)).toBe(true);
});

test('a service waits with its first read until the copy has begun', async () => {
  const { url, side } = await emptyTarget();
  const reader = new Client({ connectionString: url });
  await reader.connect();
  onTestFinished(() => reader.end());
  // The copy cannot begin while somebody reads, so nobody can read while it begins.
  await reader.query('begin; select name from kysely_migration');
  expect(await side.addMigrationAlone(MARK)).toBe(false);
  await reader.query('commit');
  expect(await side.addMigrationAlone(MARK)).toBe(true);
});

test('a database that has rows is never written over', async () => {
  const { file, run } = await stopped();
  const other = await stopped();
  const before = other.kept;
  expect(await run(other.file, file)).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('is not empty'),
  });
  expect(before.id).toBe(2);
});

test('what is no database, or is not there, is refused', async () => {
  const { dataDir, file, run } = await stopped();
  const foreign = join(dataDir, 'foreign.db');
  const sqlite = new SqliteDatabase(foreign);
  sqlite.exec('create table notes (text)');
  sqlite.close();
  expect(await run(join(dataDir, 'none.db'), 'env:TARGET')).toMatchObject({ code: 4 });
  for (const args of [
    [foreign, 'env:TARGET'],
    [file, foreign],
  ] as const)
    expect(await run(...args)).toMatchObject({ code: 1, stderr: expect.stringContaining('another program') });
  expect(tablesOf(foreign)).toEqual(['notes']);
  expect(await run(file, file)).toMatchObject({ code: 5, stderr: expect.stringContaining('are the same') });
});

test('a password is never an argument, and is in no message', async () => {
  const { file, run } = await stopped();
  const written: string[] = [];
  for (const url of [
    'postgres://u:geheim@127.0.0.1/d',
    'postgres://u@127.0.0.1/d?password=geheim',
    'POSTGRES://u:geheim@127.0.0.1/d',
    'postgresql+psycopg://u:geheim@127.0.0.1/d',
  ]) {
    const { code, stderr } = await run(file, url);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/never an argument.*env:NAME/),
    });
    written.push(stderr);
  }
  expect(await run(file, 'TARGET')).toMatchObject({ code: 2, stderr: expect.stringContaining('env:TARGET') });
  expect(await run(file, 'env:NOWHERE')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('NOWHERE'),
  });
  const nobody = await keyhearth(['copy', file, 'env:URL'], {
    env: { URL: 'postgres://u:geheim@127.0.0.1:1/d' },
  });
  expect(nobody.code).toBe(1);
  const other = await keyhearth(['copy', file, 'env:URL'], {
    env: { URL: 'postgresql+psycopg://u:geheim@127.0.0.1/d' },
  });
  expect(other).toMatchObject({ code: 1, stderr: expect.stringMatching(/^keyhearth: URL must/) });
  for (const text of [...written, nobody.stderr, other.stderr]) expect(text).not.toContain('geheim');
});
