import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { migrate } from '../../../src/db/migrate.ts';
import type { Tx } from '../../../src/db/tables.ts';
import { transaction } from '../../../src/db/transaction.ts';
import {
  bootstrapped,
  FIRST_KEY,
  type Options,
  type Running,
  register,
  service,
  startService,
  temporaryDirectory,
} from '../../support/keyhearth.ts';
import { openFile } from '../../support/sqlite.ts';

/** A file that is lost must be noticed within this time without a request. */
const NOTICED_MS = 1_000;

const REFUSED = {
  status: 503,
  json: { code: 'database_unavailable', detail: expect.stringMatching(/removed or replaced/) },
};

const change = ({ send }: Running) =>
  send({ method: 'PATCH', path: '/auth/keys/1', key: FIRST_KEY, body: { label: 'renamed' } });

const verify = ({ send }: Running) => send({ path: '/auth/verify', key: FIRST_KEY });

const linesWith = ({ log }: Running, text: RegExp) => log.filter(({ msg }) => text.test(String(msg)));

async function start(options?: Options) {
  const running = await bootstrapped(options);
  expect((await verify(running)).status).toBe(200);
  return { running, path: join(running.dataDir, 'keyhearth.db') };
}

/** In a process of its own: with the descriptor this one would lose SQLite's locks on the file. */
const copy = (from: string, to: string) => execFileSync('cp', [from, to]);

type Loss = (path: string) => void;

/** What a person may do to the files. Each is done while the service runs. */
const losses: [string, Loss][] = [
  ['the database is removed', (path) => unlinkSync(path)],
  [
    'all files of the database are removed',
    (path) => ['', '-wal', '-shm'].map((end) => unlinkSync(`${path}${end}`)),
  ],
  ['the database is moved away', (path) => renameSync(path, `${path}.away`)],
  [
    'a copy takes its place',
    (path) => {
      copy(path, `${path}.copy`);
      renameSync(`${path}.copy`, path);
    },
  ],
  ['the write-ahead log is removed', (path) => unlinkSync(`${path}-wal`)],
  ['the index of the log is removed', (path) => unlinkSync(`${path}-shm`)],
  [
    'the directory is replaced',
    (path) => {
      const directory = join(path, '..');
      renameSync(directory, `${directory}.away`);
      onTestFinished(() => rmSync(`${directory}.away`, { recursive: true }));
      mkdirSync(directory);
    },
  ],
];

describe.each(losses)('%s', (_, lose) => {
  test('a change is refused at once, and no other file is made', async () => {
    const { running, path } = await start();
    lose(path);
    const left = readdirSync(running.dataDir);
    expect(await change(running)).toMatchObject(REFUSED);
    expect(readdirSync(running.dataDir)).toEqual(left);
  });

  test('within a second keys are no longer verified, the health is 503, and the log says so once', async () => {
    const { running, path } = await start();
    lose(path);
    await sleep(NOTICED_MS);
    for (let i = 0; i < 3; i++) {
      expect(await verify(running)).toMatchObject(REFUSED);
      expect(await change(running)).toMatchObject(REFUSED);
      const health = await running.send('/health');
      expect(health).toMatchObject(REFUSED);
      expect(health.headers['retry-after']).toBe('5');
    }
    expect(linesWith(running, /removed or replaced/)).toMatchObject([
      { level: 'error', reason: expect.stringContaining(path) },
    ]);
    expect(linesWith(running, /a request failed/)).toEqual([]);
  });
});

test('the health notices at once, before anything else does', async () => {
  const { running, path } = await start();
  unlinkSync(path);
  expect(await running.send('/health')).toMatchObject(REFUSED);
});

describe('a change', () => {
  const LOST = { failure: { code: 'database_unavailable', reason: 'file_lost' } };

  async function open() {
    const path = join(temporaryDirectory(), 'keyhearth.db');
    const { db } = await openFile(path);
    onTestFinished(() => db.destroy());
    await migrate(db);
    const claim = (tx: Tx) => tx.insertInto('bootstrap_claim').values({ id: 1, claimed_at: 0 }).execute();
    return { db, path, claim };
  }

  test('does not begin when the file is lost already', async () => {
    const { db, path, claim } = await open();
    renameSync(path, `${path}.away`);
    await expect(transaction(db, claim)).rejects.toMatchObject(LOST);
    renameSync(`${path}.away`, path);
    expect(await db.selectFrom('bootstrap_claim').selectAll().execute()).toEqual([]);
  });

  test('is not confirmed when the file is lost before it is committed', async () => {
    const { db, path, claim } = await open();
    const changed = transaction(db, async (tx) => {
      await claim(tx);
      renameSync(path, `${path}.away`);
    });
    await expect(changed).rejects.toMatchObject(LOST);
  });
});

test('the same file is used again when it is back, with all that was confirmed', async () => {
  const { running, path } = await start();
  expect((await change(running)).json.label).toBe('renamed');
  renameSync(path, `${path}.away`);
  expect(await running.send('/health')).toMatchObject(REFUSED);
  renameSync(`${path}.away`, path);
  await sleep(NOTICED_MS);
  expect(await running.send('/health')).toMatchObject({ status: 200 });
  const key = await running.send({ path: '/auth/keys/1', key: FIRST_KEY });
  expect(key).toMatchObject({ status: 200, json: { label: 'renamed' } });
  expect((await change(running)).status).toBe(200);
  expect(linesWith(running, /are back/)).toHaveLength(1);
});

test('a stop writes what is in a removed log into the database', async () => {
  const dataDir = temporaryDirectory();
  const before = await startService({ dataDir });
  await register(before.send);
  unlinkSync(join(dataDir, 'keyhearth.db-wal'));
  expect(await before.send('/health')).toMatchObject(REFUSED);
  await before.close();
  const after = await service({ dataDir });
  expect((await verify(after)).status).toBe(200);
});

test('a symbolic link that leads to another file is noticed, and one that leads to the same file is not', async () => {
  const dataDir = temporaryDirectory();
  const disk = temporaryDirectory();
  const link = join(dataDir, 'keyhearth.db');
  const file = join(disk, 'keyhearth.db');
  symlinkSync(file, link);
  const { running } = await start({ dataDir });

  unlinkSync(link);
  symlinkSync(join('..', disk.slice(disk.lastIndexOf('/') + 1), 'keyhearth.db'), link);
  await sleep(NOTICED_MS);
  expect((await change(running)).status).toBe(200);

  copy(file, join(disk, 'copy.db'));
  unlinkSync(link);
  symlinkSync(join(disk, 'copy.db'), link);
  expect(await change(running)).toMatchObject(REFUSED);
});
