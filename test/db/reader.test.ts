import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { transaction } from '../../src/db/transaction.ts';
import { Fingerprint } from '../../src/lib/brand.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { openStorage } from '../../src/storage.ts';
import { databaseFor, sqlIn, temporaryDirectory } from '../support/keyhearth.ts';

/** The reader of a database with three keys, named a, b and c. They were made at 100, 200 and 300. */
async function open() {
  const dataDir = temporaryDirectory();
  const database = await databaseFor(dataDir);
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, KEYHEARTH_CACHE: 'on', ...database });
  const storage = await openStorage(config, createLogger('silent', { write: () => undefined }));
  onTestFinished(() => storage.close());
  const { db } = storage;
  const rows = ['a', 'b', 'c'].map((label, i) => ({
    label,
    hint: `hint of ${label}`,
    fingerprint: Fingerprint(`fingerprint of ${label}`),
    hash: `hash of ${label}`,
    is_active: 1,
    created_at: 100 * (i + 1),
    last_used_at: null,
    use_count: 0,
  }));
  await transaction(db, (tx) => tx.insertInto('api_keys').values(rows).execute());
  return { dataDir, db, reader: storage.services.reader };
}

test('a row is found by any column that holds unique text', async () => {
  const { reader } = await open();
  const byFingerprint = reader.find('api_keys', 'fingerprint', ['id', 'label']);
  expect(await byFingerprint(Fingerprint('fingerprint of b'))).toMatchObject({ id: 2, label: 'b' });
  const byLabel = reader.find('api_keys', 'label', ['hash', 'last_used_at']);
  expect(await byLabel('c')).toMatchObject({ hash: 'hash of c', last_used_at: null });
  expect(await byLabel('d')).toBeUndefined();
  expect(await byLabel('')).toBeUndefined();
});

test('a row is found in any table', async () => {
  const { db, reader } = await open();
  const { database_id } = await db
    .selectFrom('database_identity')
    .select('database_id')
    .executeTakeFirstOrThrow();
  const find = reader.find('database_identity', 'database_id', ['id', 'pepper_check']);
  expect(await find(database_id)).toMatchObject({ id: 1, pepper_check: expect.any(String) });
  expect(await find('another')).toBeUndefined();
});

test('of many questions at once, each gets the row that it asked for', async () => {
  const { reader } = await open();
  const find = reader.find('api_keys', 'label', ['label', 'created_at']);
  const asked = ['c', 'a', 'nobody', 'b', 'a', 'c'];
  const found = await Promise.all(asked.map((label) => find(label)));
  expect(found.map((row) => row?.created_at)).toEqual([300, 100, undefined, 200, 100, 300]);
});

test('whether a row exists may depend on parameters, such as a time', async () => {
  const { db, reader } = await open();
  const exists = reader.exists(db.selectFrom('api_keys').select('id').where('created_at', '>', 0).compile());
  const times = [0, 299, 300, 299, 1_000, 0];
  expect(await Promise.all(times.map((time) => exists(time)))).toEqual([
    true,
    true,
    false,
    true,
    false,
    true,
  ]);
});

test('parameters are taken in their order, and may be text', async () => {
  const { db, reader } = await open();
  const query = db.selectFrom('api_keys').select('id').where('label', '=', '').where('created_at', '<', 0);
  const exists = reader.exists(query.compile());
  const questions = [
    ['a', 101],
    ['a', 100],
    ['b', 101],
    ['b', 201],
  ] as const;
  expect(await Promise.all(questions.map(([label, time]) => exists(label, time)))).toEqual([
    true,
    false,
    false,
    true,
  ]);
});

/** On PostgreSQL the epoch is not known before the first heartbeat came back. */
async function knownEpoch(epoch: () => number | undefined): Promise<number> {
  await expect.poll(epoch, { interval: 10 }).toBeDefined();
  return epoch() ?? knownEpoch(epoch);
}

const RENAME = "update api_keys set label = label || 'x' where id = 1";

/** Runs one statement in a process of its own. */
async function inAnotherProcess(dataDir: string, statement: string): Promise<void> {
  const { DATABASE_URL: url } = await databaseFor(dataDir);
  const script = url
    ? `const client = new (require('pg').Client)(process.argv[1]);
       client.connect().then(() => client.query(process.argv[2])).then(() => client.end())`
    : `new (require('better-sqlite3'))(process.argv[1]).exec(process.argv[2])`;
  execFileSync(process.execPath, ['-e', script, url ?? join(dataDir, 'keyhearth.db'), statement]);
}

test.each<[string, (dataDir: string, statement: string) => Promise<unknown>]>([
  ['another connection', sqlIn],
  ['another process', inAnotherProcess],
])('the epoch changes when %s commits', async (_, commit) => {
  const { dataDir, reader } = await open();
  for (let round = 0; round < 3; round++) {
    const before = await knownEpoch(reader.epoch);
    await commit(dataDir, RENAME);
    await expect.poll(() => reader.epoch() ?? before, { timeout: 1_000, interval: 10 }).not.toBe(before);
  }
});

test('the epoch has changed by the time that this process learns of its own commit', async () => {
  const { db, reader } = await open();
  for (let round = 0; round < 10; round++) {
    const before = await knownEpoch(reader.epoch);
    await transaction(db, (tx) =>
      tx
        .updateTable('api_keys')
        .set({ label: `${round}` })
        .execute(),
    );
    expect(reader.epoch()).not.toBe(before);
  }
});

test('the epoch stays the same while nothing is committed', async () => {
  const { db, dataDir, reader } = await open();
  await sleep(300);
  // On PostgreSQL it changes every five seconds in any case, and is unknown while no heartbeat gets through.
  const isStable = async () => {
    const before = reader.epoch();
    const undone = transaction(db, async (tx) => {
      await tx.updateTable('api_keys').set({ label: 'undone' }).execute();
      throw new Error('undo');
    });
    await expect(undone).rejects.toThrow('undo');
    await sqlIn(dataDir, 'select * from api_keys');
    await sleep(300);
    return before !== undefined && reader.epoch() === before;
  };
  await expect.poll(isStable).toBe(true);
});
