import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bootstrapped, FIRST_KEY } from '../../support/keyhearth.ts';

/** A service, and another program that writes to its file. */
async function start() {
  const running = await bootstrapped();
  const path = join(running.dataDir, 'keyhearth.db');
  const sqlite = new SqliteDatabase(path);
  onTestFinished(() => void sqlite.close());
  return {
    running,
    /** Makes the service read again, from the file itself and not from its log. */
    commit(): void {
      sqlite.exec('update api_keys set use_count = use_count + 1');
      sqlite.pragma('wal_checkpoint(truncate)');
    },
    /** Writes rubbish over the pages of a table or an index. */
    damage(name: string): void {
      const pages = sqlite.prepare<[string], number>('select pageno from dbstat where name = ?').pluck();
      for (const page of pages.all(name)) overwrite(path, page - 1, 1);
    },
    path,
    sqlite,
  };
}

/** In a process of its own: this one would lose SQLite's locks on the file with the descriptor. */
function overwrite(path: string, firstPage: number, pages: number): void {
  const target = [`of=${path}`, 'bs=4096', `seek=${firstPage}`, `count=${pages}`, 'conv=notrunc'];
  execFileSync('dd', ['if=/dev/urandom', ...target], { stdio: 'ignore' });
}

type Started = Awaited<ReturnType<typeof start>>;

const DAMAGED = {
  status: 503,
  headers: { 'retry-after': '30' },
  json: { code: 'database_unavailable', detail: 'The database is damaged.' },
};

const damages: [string, (started: Started) => void][] = [
  ['the table of keys', ({ damage }) => damage('api_keys')],
  ['the index of fingerprints', ({ damage }) => damage('sqlite_autoindex_api_keys_1')],
  ['the header', ({ path }) => overwrite(path, 0, 1)],
  ['the whole file', ({ path }) => overwrite(path, 0, 100)],
  ['its length', ({ path }) => void execFileSync('truncate', ['--size=0', path])],
];

describe.each(damages)('while the service runs, somebody destroys %s', (_, destroy) => {
  test('a verification is a 503, and the health from then on too; the log says so once', async () => {
    const started = await start();
    const { send, log } = started.running;
    started.commit();
    destroy(started);
    for (let i = 0; i < 3; i++) {
      expect(await send({ path: '/auth/verify', key: FIRST_KEY })).toMatchObject(DAMAGED);
      expect(await send({ path: '/auth/keys/1', key: FIRST_KEY })).toMatchObject(DAMAGED);
      expect(await send('/health')).toMatchObject(DAMAGED);
    }
    expect(log.filter(({ level }) => level === 'error')).toMatchObject([
      { msg: expect.stringContaining('the database is damaged'), reason: expect.stringMatching(/^SQLITE_/) },
    ]);
  });

  test('the health notices before anything else does, although the rows are still in memory', async () => {
    const started = await start();
    const { send } = started.running;
    started.commit();
    expect((await send({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(200);
    destroy(started);
    expect(await send('/health')).toMatchObject(DAMAGED);
  });
});

test('damage that only a verification meets makes the health a 503 from then on', async () => {
  const { running, commit, path, sqlite } = await start();
  // The health reads the rows that come next after some fingerprint. None of these is beside the first key.
  sqlite.exec(`
    insert into api_keys (label, hint, fingerprint, hash, is_active, created_at)
      with recursive numbered(n) as (select 1 union all select n + 1 from numbered where n < 200)
      select hex(zeroblob(100)), '', printf('~%04d', 1000 - n), '', 1, 0 from numbered;
    insert into api_keys (label, hint, fingerprint, hash, is_active, created_at)
      select '', '', substr(fingerprint, 1, 20), '', 1, 0 from api_keys where id = 1`);
  commit();
  const firstLeaf = `select pageno from dbstat where name = 'api_keys' and pagetype = 'leaf' order by path`;
  overwrite(path, Number(sqlite.prepare(firstLeaf).pluck().get()) - 1, 1);
  expect((await running.send('/health')).status).toBe(200);
  expect(await running.send({ path: '/auth/verify', key: FIRST_KEY })).toMatchObject(DAMAGED);
  expect(await running.send('/health')).toMatchObject(DAMAGED);
});
