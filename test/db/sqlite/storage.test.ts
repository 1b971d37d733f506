import SqliteDatabase from 'better-sqlite3';
import { sql } from 'kysely';
import { describe, expect, onTestFinished, test } from 'vitest';
import { claimIdentity } from '../../../src/db/identity.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { cachingStatements } from '../../../src/db/sqlite/statement-cache.ts';
import { transaction } from '../../../src/db/transaction.ts';
import { bootstrapped, FIRST_KEY, temporaryDirectory } from '../../support/keyhearth.ts';
import { openFile } from '../../support/sqlite.ts';

async function open(path = `${temporaryDirectory()}/keyhearth.db`) {
  const { db } = await openFile(path);
  onTestFinished(() => db.destroy());
  return { db, path };
}

function openRaw(path: string): SqliteDatabase.Database {
  const sqlite = new SqliteDatabase(path, { timeout: 0 });
  onTestFinished(() => void sqlite.close());
  return sqlite;
}

describe('a connection', () => {
  test.each([
    ['journal_mode', 'wal'],
    ['synchronous', 2],
    ['foreign_keys', 1],
    ['trusted_schema', 0],
  ])('has %s = %s, also when the database is opened again', async (pragma, value) => {
    const first = await open();
    await migrate(first.db);
    await first.db.destroy();
    const { db } = await open(first.path);
    const { rows } = await sql.raw(`pragma ${pragma}`).execute(db);
    expect(Object.values(rows[0] as object)).toEqual([value]);
  });

  test('waits at most a few milliseconds inside SQLite', async () => {
    const { db } = await open();
    const { rows } = await sql`pragma busy_timeout`.execute(db);
    expect(Object.values(rows[0] as object)[0]).toBeLessThan(20);
  });
});

test('a large file that is not in WAL mode yet, such as a copy by VACUUM INTO, is served', async () => {
  const path = `${temporaryDirectory()}/keyhearth.db`;
  const first = await openFile(path);
  await migrate(first.db);
  await sql`create table ballast as select zeroblob(17000000) as content`.execute(first.db);
  await sql.raw(`vacuum into '${path}.copy'`).execute(first.db);
  await first.db.destroy();
  const { db, condition } = await openFile(`${path}.copy`);
  onTestFinished(() => db.destroy());
  expect(condition.checkFiles).not.toThrow();
  expect(await db.selectFrom('api_keys').selectAll().execute()).toEqual([]);
});

test('of two peppers that come at once, after one was lost, one is adopted and the other refused', async () => {
  const under = (pepper: string) => ({
    databaseName: 'the database',
    marker: { path: 'a marker file', databaseId: undefined },
    pepperCheck: (id: string) => `${id} under ${pepper}`,
  });
  const { db, path } = await open();
  const other = await open(path);
  await migrate(db);
  await claimIdentity(db, under('the lost one'));
  await sql`update database_identity set pepper_check = null`.execute(db);
  const claims = await Promise.allSettled([
    claimIdentity(db, under('one')),
    claimIdentity(other.db, under('two')),
  ]);
  expect(claims.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  const refused = claims.find((claim) => claim.status === 'rejected');
  expect(String(refused?.reason)).toContain('The pepper does not fit');
});

describe('migrations', () => {
  test('leave nothing behind when one of them fails', async () => {
    const { db, path } = await open();
    await sql`create table api_keys (id integer)`.execute(db);
    await expect(migrate(db)).rejects.toThrow(/api_keys.*already exists/);
    const tables = openRaw(path).prepare("select name from sqlite_schema where type = 'table'").pluck().all();
    expect(tables).toEqual(['api_keys']);
  });

  test('are run once, although several ask at the same moment', async () => {
    const { db, path } = await open();
    const others = [await open(path), await open(path), await open(path)];
    await Promise.all([db, ...others.map((other) => other.db)].map(migrate));
    expect(openRaw(path).prepare('select name from kysely_migration').pluck().all()).toEqual([
      '0001_initial',
      '0002_use_count',
      '0003_announce_changes',
      '0004_key_settings',
      '0005_audit_events',
      '0006_usage',
      '0007_rate_limit_windows',
      '0008_listing',
      '0010_people',
      '0011_declared_keys',
      '0012_usage_models',
      '0013_oauth',
      '0014_webhooks',
      '0015_pepper_since',
      '0016_imports',
    ]);
  });

  test('wait for no writer when there is nothing to do', async () => {
    const { db, path } = await open();
    await migrate(db);
    const writer = openRaw(path);
    writer.exec('begin immediate');
    const start = performance.now();
    await migrate(db);
    expect(performance.now() - start).toBeLessThan(500);
    writer.exec('rollback');
  });
});

describe('a transaction', () => {
  const addClaim = (db: Parameters<typeof transaction>[0]) =>
    transaction(db, (tx) => tx.insertInto('bootstrap_claim').values({ id: 1, claimed_at: 0 }).execute());

  test('is rolled back whole when its work throws', async () => {
    const { db } = await open();
    await migrate(db);
    const failing = transaction(db, async (tx) => {
      await tx.insertInto('bootstrap_claim').values({ id: 1, claimed_at: 0 }).execute();
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await db.selectFrom('bootstrap_claim').selectAll().execute()).toEqual([]);
  });

  test('waits for another writer without stopping those who read', async () => {
    const { db, path } = await open();
    await migrate(db);
    const writer = openRaw(path);
    writer.exec('begin immediate');
    let isDone = false;
    const writing = addClaim(db).then(() => {
      isDone = true;
    });
    let slowest = 0;
    for (let i = 0; i < 200; i++) {
      const start = performance.now();
      await db.selectFrom('api_keys').selectAll().execute();
      slowest = Math.max(slowest, performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(isDone).toBe(false);
    expect(slowest).toBeLessThan(100);
    writer.exec('rollback');
    await writing;
  });

  test('gives up after five seconds, with a refusal that says so', async () => {
    const { db, path } = await open();
    await migrate(db);
    const writer = openRaw(path);
    writer.exec('begin immediate');
    await expect(addClaim(db)).rejects.toMatchObject({ failure: { code: 'database_busy', retryAfter: 1 } });
    writer.exec('rollback');
  });
});

test('while another process holds the write lock, keys are verified and changes answer 503', async () => {
  const { send, dataDir } = await bootstrapped();
  const writer = openRaw(`${dataDir}/keyhearth.db`);
  writer.exec('begin immediate');
  const change = send({ method: 'PATCH', path: '/auth/keys/1', key: FIRST_KEY, body: { label: 'x' } });
  for (let i = 0; i < 50; i++)
    expect((await send({ path: '/auth/keys/1', key: FIRST_KEY })).status).toBe(200);
  const answer = await change;
  expect(answer.status).toBe(503);
  expect(answer.json.code).toBe('database_busy');
  expect(answer.headers['retry-after']).toBe('1');
  writer.exec('rollback');
  expect(
    (await send({ method: 'PATCH', path: '/auth/keys/1', key: FIRST_KEY, body: { label: 'x' } })).status,
  ).toBe(200);
});

test('a key without a fingerprint is proven while another process holds the write lock', async () => {
  const { send, dataDir } = await bootstrapped();
  const writer = openRaw(`${dataDir}/keyhearth.db`);
  writer.exec('update api_keys set fingerprint = null');
  writer.exec('begin immediate');
  const start = performance.now();
  expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
  expect(performance.now() - start).toBeLessThan(2_000);
  writer.exec('rollback');
  expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
  expect(writer.prepare('select fingerprint from api_keys').pluck().all()).not.toContain(null);
});

describe('the statement cache', () => {
  test('prepares each text once and keeps the most recently used', () => {
    const sqlite = openRaw(':memory:');
    const cache = cachingStatements(sqlite);
    const first = cache.prepare('select 0');
    for (let i = 1; i < 200; i++) cache.prepare(`select ${i}`);
    expect(cache.prepare('select 0')).toBe(first);
    const second = cache.prepare('select 1');
    for (let i = 200; i < 399; i++) cache.prepare(`select ${i}`);
    expect(cache.prepare('select 1')).toBe(second);
    expect(cache.prepare('select 0')).not.toBe(first);
  });
});
