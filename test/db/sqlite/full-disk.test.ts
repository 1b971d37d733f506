import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { migrate } from '../../../src/db/migrate.ts';
import { transaction } from '../../../src/db/transaction.ts';
import { bootstrapped, FIRST_KEY, temporaryDirectory } from '../../support/keyhearth.ts';
import { isRoot } from '../../support/root.ts';
import { openFile } from '../../support/sqlite.ts';

test('a change that finds no space is refused, and the log says so once, until there is space', async () => {
  const { db, condition, log } = await openFile(join(temporaryDirectory(), 'keyhearth.db'));
  onTestFinished(() => db.destroy());
  await migrate(db);
  condition.watch();
  onTestFinished(condition.close);
  const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(db);
  const pages = rows[0]?.page_count ?? 0;
  const grow = () =>
    transaction(db, (tx) => sql`create table filler as select zeroblob(100000) as content`.execute(tx));

  for (let outage = 1; outage <= 2; outage++) {
    await sql.raw(`pragma max_page_count = ${pages}`).execute(db);
    for (let i = 0; i < 3; i++) {
      await expect(grow()).rejects.toMatchObject({
        failure: { code: 'database_unavailable', reason: 'disk_full', retryAfter: 30 },
        isExpected: true,
      });
    }
    await sql.raw('pragma max_page_count = 1000000').execute(db);
    await grow();
    await transaction(db, (tx) => sql`drop table filler`.execute(tx));
    await sql`vacuum`.execute(db);
    expect(log.slice(2 * outage - 2)).toMatchObject([
      {
        level: 'error',
        reason: 'SQLITE_FULL: database or disk is full',
        msg: expect.stringMatching(/disk.*is full/),
      },
      { level: 'info', msg: expect.stringMatching(/has space again/) },
    ]);
  }
});

/** A file system of one megabyte, which only root can mount. */
function smallDisk(): string | undefined {
  if (!isRoot) return undefined;
  const path = temporaryDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', ['--lazy', path]));
  return path;
}

test('a full disk: changes are 503, keys are verified, the log has one line, and nothing of it stays', async (context) => {
  const dataDir = smallDisk();
  if (dataDir === undefined)
    return context.skip('a small disk cannot be mounted here, which needs root and the right to mount');
  const { send, log } = await bootstrapped({ dataDir });
  const create = (label: string) =>
    send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: { label } });
  const ballast = join(dataDir, 'ballast');
  try {
    writeFileSync(ballast, Buffer.alloc(1_000_000));
  } catch {
    // It takes what there is.
  }
  for (let i = 0; i < 3; i++) {
    expect(await create('refused')).toMatchObject({
      status: 503,
      headers: { 'retry-after': '30' },
      json: {
        code: 'database_unavailable',
        detail: 'The disk of the database is full. Nothing was changed.',
      },
    });
  }
  expect((await send({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(200);
  expect((await send('/health')).status).toBe(200);
  expect(log.filter(({ level }) => level === 'error')).toMatchObject([
    { reason: expect.stringMatching(/^SQLITE_FULL/) },
  ]);
  rmSync(ballast);
  expect((await create('fits')).status).toBe(201);
  const { keys } = (await send({ path: '/auth/keys', key: FIRST_KEY })).json;
  expect(keys.map(({ label }: { label: string }) => label)).toEqual(['fits', 'first']);
});
