import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { restore } from '../../src/backup/restore.ts';
import { run } from '../../src/cli/program.ts';
import { parseConfig } from '../../src/config.ts';
import { copyDatabase } from '../../src/db/sqlite/whole-file.ts';
import { canBeNobody, type Ended, keyhearth, keyhearthAsNobody, NOBODY } from '../cli/command.ts';
import {
  FIRST_KEY,
  type Running,
  register,
  spawnProcess,
  startService,
  temporaryDirectory,
  untilItServes,
} from '../support/keyhearth.ts';
import { operator } from '../support/keys.ts';
import { isRoot } from '../support/root.ts';

/** A service on files that a test may replace while it is stopped, and a place for backups. */
async function rack() {
  const dataDir = join(temporaryDirectory(), 'data');
  const away = temporaryDirectory();
  let running: Running | undefined;
  const stop = async () => {
    await running?.close();
    running = undefined;
  };
  const start = async () => {
    running = await startService({ dataDir });
    return operator(running.send);
  };
  onTestFinished(stop);
  await start();
  if (running) await register(running.send);
  return {
    ...{ dataDir, away, stop, start, database: join(dataDir, 'keyhearth.db') },
    file: join(away, 'backup.db'),
    operate: () => {
      if (!running) throw new Error('the service is stopped');
      return operator(running.send);
    },
    run: (args: string[], env = {}): Promise<Ended> =>
      keyhearth(args, { env: { KEYHEARTH_DATA_DIR: dataDir, ...env } }),
  };
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

function change(path: string, sql: string): void {
  const sqlite = new SqliteDatabase(path);
  sqlite.exec(sql);
  sqlite.close();
}

test('a rehearsal: back up while it serves, lose the database, restore, and see which keys are valid again', async () => {
  const { run, file, away, database, dataDir, operate, stop, start } = await rack();
  const { made, call } = operate();
  const [kept, deleted, off] = [await made({ label: 'kept' }), await made({ label: 'gone' }), await made({})];

  expect(await run(['backup', file])).toEqual({
    ...{ code: 0, stdout: '' },
    stderr: expect.stringMatching(/^The backup is complete and checked: .*backup\.db \(\d+ bytes\)\n$/),
  });
  expect(readdirSync(away)).toEqual(['backup.db']);
  expect(modeOf(file)).toBe('600');

  await call('DELETE', `/auth/keys/${deleted.id}`);
  await call('POST', `/auth/keys/${off.id}/deactivate`);
  const later = await made({ label: 'later' });

  const refused = await run(['restore', file, '--yes']);
  expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('stop Keyhearth') });
  expect(await operate().codeOf(later.raw_key)).toBe('VALID');

  await stop();
  const { code, stdout } = await run(['restore', file, '--yes', '--json']);
  expect(code).toBe(0);
  const restored = JSON.parse(stdout);
  expect(restored).toMatchObject({
    database,
    kept: expect.stringMatching(/keyhearth\.db\.replaced-\d{8}T\d{6}Z$/),
    replaced: 'same',
    revived: [
      { id: deleted.id, label: 'gone', why: 'deleted' },
      { id: off.id, why: 'deactivated' },
    ],
  });
  expect(readdirSync(dataDir).filter((name) => name.startsWith('keyhearth.db'))).toHaveLength(2);
  expect([modeOf(database), modeOf(restored.kept)]).toEqual(['600', '600']);

  const after = await start();
  expect(await after.codeOf(kept.raw_key)).toBe('VALID');
  expect(await after.codeOf(deleted.raw_key)).toBe('VALID');
  expect((await after.verify(later.raw_key)).status).toBe(401);
  const { json } = await after.call('GET', '/auth/audit?limit=1');
  expect(json.events).toMatchObject([
    {
      ...{ action: 'database.restored', actor: { kind: 'operator' }, address: null },
      changes: {
        backup_modified_at: { to: statSync(file).mtime.toISOString() },
        revived_keys: { to: 2 },
      },
    },
  ]);
  const labels = new SqliteDatabase(restored.kept, { readonly: true });
  expect(labels.prepare('select label from api_keys').pluck().all()).toContain('later');
  labels.close();
});

test('a backup never replaces a file, and is never beside the pepper', async () => {
  const { run, file, dataDir, away } = await rack();
  writeFileSync(file, 'something else');
  expect(await run(['backup', file])).toMatchObject({ code: 5, stderr: expect.stringContaining('exists') });
  expect(readFileSync(file, 'utf8')).toBe('something else');
  const beside = await run(['backup', join(dataDir, 'backup.db')]);
  expect(beside).toMatchObject({ code: 5, stderr: expect.stringContaining('pepper') });
  const secrets = temporaryDirectory();
  renameSync(join(dataDir, 'pepper'), join(secrets, 'pepper'));
  symlinkSync(join(secrets, 'pepper'), join(dataDir, 'pepper'));
  const besideTarget = await run(['backup', join(secrets, 'backup.db')]);
  expect(besideTarget).toMatchObject({ code: 5, stderr: expect.stringContaining('pepper') });
  expect(readdirSync(dataDir)).not.toContain('backup.db');
  const nowhere = await run(['backup', join(away, 'none/backup.db')]);
  expect(nowhere).toMatchObject({ code: 4, stderr: expect.stringContaining('directory') });
});

test('in the place of another database, or of none, a restore cannot know which keys are valid again', async () => {
  const { run, file, database, dataDir, stop } = await rack();
  await run(['backup', file]);
  await stop();
  // The first start on a new machine has made a database before its owner has copied the pepper back.
  change(database, "update database_identity set database_id = 'other'; delete from api_keys");
  const { code, stdout, stderr } = await run(['restore', file, '--yes', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ replaced: 'other', revived: null });
  expect(stderr).toContain('no earlier state of this database');
  for (const name of readdirSync(dataDir).filter((each) => each.startsWith('keyhearth.db')))
    rmSync(join(dataDir, name));
  const again = await run(['restore', file, '--yes', '--json']);
  expect(JSON.parse(again.stdout)).toMatchObject({ replaced: 'nothing', kept: null, revived: null });
});

test('a backup of an older version is restored too', async () => {
  const { run, file, database, dataDir, stop } = await rack();
  await run(['backup', file]);
  await stop();
  const restored = (sql: string) => {
    const path = `${file}.old`;
    copyFileSync(file, path);
    change(path, sql);
    return run(['restore', path, '--yes']);
  };
  // Before the version that has people, an event had no account. Before that, there were no events.
  expect(await restored('drop table audit_events')).toMatchObject({ code: 0 });
  // A replaced database has its time in its name, to the second.
  for (const name of readdirSync(dataDir).filter((each) => each.includes('replaced')))
    rmSync(join(dataDir, name));
  const columns = ['actor_account', 'account_id'].map(
    (name) => `drop index audit_events_${name}; alter table audit_events drop column ${name};`,
  );
  expect(await restored(columns.join(''))).toMatchObject({ code: 0 });
  const sqlite = new SqliteDatabase(database, { readonly: true });
  const newest = sqlite.prepare('select action from audit_events order by id desc limit 1');
  expect(newest.pluck().get()).toBe('database.restored');
  sqlite.close();
});

test('a restore refuses what does not belong here, and changes nothing', async () => {
  const { run, file, away, database, dataDir, stop } = await rack();
  await run(['backup', file]);
  await stop();
  const before = readFileSync(database);
  const changed = (sql: string) => {
    const path = join(away, 'changed.db');
    copyFileSync(file, path);
    change(path, sql);
    return path;
  };
  const broken = join(away, 'broken.db');
  writeFileSync(broken, readFileSync(file).fill(0x55, 4_096, 12_288));
  const text = join(away, 'text');
  writeFileSync(text, 'no database');

  const cases: [string, number, RegExp][] = [
    [database, 5, /is the database itself/],
    [join(away, 'none.db'), 4, /There is no file/],
    [away, 1, /is not a file/],
    [text, 1, /damaged, or is no database/],
    [broken, 1, /damaged/],
    [changed('pragma application_id = 1'), 1, /not a database of Keyhearth/],
  ];
  // It is refused before the question.
  for (const [path, code, sentence] of cases)
    expect(await run(['restore', path])).toMatchObject({
      code,
      stderr: expect.stringMatching(sentence),
    });
  const others: [string, number, RegExp][] = [
    ["update database_identity set database_id = 'other'", 5, /belongs to/],
    ["update database_identity set pepper_check = 'other'", 5, /pepper does not fit/],
    ["insert into kysely_migration values ('9999_future', '')", 1, /newer Keyhearth/],
    ['delete from bootstrap_claim', 5, /older than the first key/],
  ];
  for (const [sql, code, sentence] of others)
    expect(await run(['restore', changed(sql), '--yes'])).toMatchObject({
      code,
      stderr: expect.stringMatching(sentence),
    });
  expect(readFileSync(database).equals(before)).toBe(true);
  expect(readdirSync(dataDir).sort()).toEqual(['keyhearth.db', 'pepper', 'pepper.database-id']);
});

test('a damaged or missing database is replaced, and what is left of its log goes with it', async () => {
  const { run, file, database, dataDir, stop, start } = await rack();
  await run(['backup', file]);
  await stop();
  writeFileSync(database, 'damaged');
  writeFileSync(`${database}-wal`, 'a log');
  const { code, stderr } = await run(['restore', file, '--yes']);
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('cannot be read') });
  expect(readdirSync(dataDir).filter((name) => name.endsWith('-wal'))).toEqual([
    expect.stringMatching(/replaced-.*-wal$/),
  ]);
  expect((await (await start()).verify(FIRST_KEY)).status).toBe(200);
});

test('a service that starts in the middle of a restore keeps its database, and the restore does nothing', async () => {
  const { run, file, dataDir, database, stop } = await rack();
  await run(['backup', file]);
  await stop();
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir });
  const started: ReturnType<typeof spawnProcess>[] = [];
  const clock = {
    /** A restore asks for the time when it has found the database unused. */
    now() {
      started.push(spawnProcess({ KEYHEARTH_DATA_DIR: dataDir }));
      while (!existsSync(`${database}-wal`)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      return Date.now();
    },
  };
  const before = statSync(database).ino;
  const parts = { clock, confirm: async () => undefined, interrupted: new AbortController().signal };
  await expect(restore(config, file, parts)).rejects.toThrow(/Another process has .* Nothing was changed/);
  expect(statSync(database).ino).toBe(before);
  expect(readdirSync(dataDir).filter((name) => /replaced|[\da-f]{8}-/.test(name))).toEqual([]);
  const [service] = started;
  if (!service) throw new Error('the restore asked for no time');
  onTestFinished(() => void service.child.kill('SIGKILL'));
  const { send } = await untilItServes(service);
  expect((await operator(send).create()).status).toBe(201);
});

test.each(['-', ''])('a backup needs a file: %j', async (target) => {
  const { run, away, stop } = await rack();
  await stop();
  expect(await run(['backup', target])).toMatchObject({
    ...{ code: 1, stderr: expect.stringContaining('path of a new file') },
  });
  expect(readdirSync(away)).toEqual([]);
});

test('with PostgreSQL, it names the tools of PostgreSQL', async () => {
  const { code, stderr } = await keyhearth(['backup', 'x'], { env: { DATABASE_URL: 'postgres://h/d' } });
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('pg_dump') });
});

test('a backup ends while another connection writes all the time', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'busy.db');
  const writer = new SqliteDatabase(path);
  writer.exec('pragma journal_mode = WAL; create table filler (bytes blob)');
  const add = writer.prepare('insert into filler values (zeroblob(3000))');
  writer.transaction(() => {
    for (let row = 0; row < 3_500; row += 1) add.run();
  })();
  let isDone = false;
  const steps: number[] = [];
  const copy = copyDatabase(path, join(directory, 'copy.db'), (copied) => steps.push(copied)).finally(() => {
    isDone = true;
  });
  let writes = 0;
  for (; !isDone && writes < 1_000; writes += 1) {
    add.run();
    await setImmediate();
  }
  writer.close();
  await copy;
  expect(writes).toBeLessThan(1_000);
  expect(steps).toEqual([0, 1_000, 2_000, 3_000]);
});

test('on a terminal, a backup shows how far it is', async () => {
  const { dataDir, file, stop } = await rack();
  await stop();
  const lines: string[] = [];
  const results: string[] = [];
  const parts = {
    env: { KEYHEARTH_DATA_DIR: dataDir },
    input: { isTerminal: false, readAll: async () => '', chunks: async function* () {}, ask: async () => '' },
    onInterrupt: () => () => undefined,
    stdout: { write: (text: string) => results.push(text) },
    stderr: { isTTY: true, write: (text: string) => lines.push(text) },
  };
  expect(await run(['backup', file], parts)).toBe(0);
  expect(lines).toEqual([
    '\rCopying the database [--------------------]   0 %',
    expect.stringMatching(/^\rChecking the copy \.\.\. +$/),
    expect.stringMatching(/^\r +$/),
    '\r',
    expect.stringContaining('The backup is complete'),
  ]);
  lines.length = 0;
  expect(await run(['--json', 'backup', `${file}.2`], parts)).toBe(0);
  expect([lines, results]).toEqual([[], [expect.stringContaining('"bytes"')]]);
});

test('a damaged database makes no backup', async () => {
  const { run, file, away, database, stop } = await rack();
  await stop();
  writeFileSync(database, readFileSync(database).fill(0x55, 4_096, 12_288));
  const { code, stderr } = await run(['backup', file]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('no backup') });
  expect(readdirSync(away)).toEqual([]);
});

test('a restore takes the rights of others to a backup away, and no backup that lacks its log', async () => {
  const { run, file, database, stop } = await rack();
  await run(['backup', file]);
  await stop();
  writeFileSync(`${file}-wal`, 'a log');
  expect(await run(['restore', file, '--yes'])).toMatchObject({
    ...{ code: 1, stderr: expect.stringContaining('incomplete') },
  });
  writeFileSync(`${file}-wal`, '');
  chmodSync(file, 0o644);
  expect(await run(['restore', file, '--yes'])).toMatchObject({ code: 0 });
  expect([modeOf(database), modeOf(file)]).toEqual(['600', '644']);
});

test('a backup from before a change of the pepper fits while the previous one is set', async () => {
  const { run, file, dataDir, stop } = await rack();
  await run(['backup', file]);
  await stop();
  const previous = readFileSync(join(dataDir, 'pepper'), 'utf8').trim();
  writeFileSync(join(dataDir, 'pepper'), `${'ab'.repeat(32)}\n`);
  expect(await run(['restore', file, '--yes'])).toMatchObject({
    ...{ code: 5, stderr: expect.stringContaining('set KEYHEARTH_PEPPER_PREVIOUS_FILE') },
  });
  const env = { KEYHEARTH_PEPPER_PREVIOUS: previous };
  expect(await run(['restore', file, '--yes'], env)).toMatchObject({ code: 0 });
  const { stdout } = await run(['doctor', '--json'], env);
  expect(JSON.parse(stdout)).not.toContainEqual(expect.objectContaining({ check: 'pepper' }));
});

test('a restore names the file that it cannot read, and the directory that it cannot write', async ({
  skip,
}) => {
  skip(!canBeNobody, 'Only root can run a command as another user, with setpriv.');
  const { run, file, away, dataDir, stop } = await rack();
  await run(['backup', file]);
  await stop();
  expect(keyhearthAsNobody(dataDir, 'restore', file, '--yes')).toMatchObject({
    ...{ status: 1, stderr: expect.stringContaining(`${file} cannot be read (EACCES)`) },
  });
  for (const path of [away, file]) chmodSync(path, 0o755);
  const target = join(temporaryDirectory(), 'data');
  cpSync(dataDir, target, { recursive: true });
  chmodSync(join(target, '..'), 0o755);
  for (const path of [target, ...readdirSync(target).map((name) => join(target, name))])
    chownSync(path, NOBODY, NOBODY);
  chmodSync(target, 0o500);
  expect(keyhearthAsNobody(target, 'restore', file, '--yes')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(`Cannot write the restored database to ${target} (EACCES)`),
  });
});

test.skipIf(!isRoot)('the database of another user is left alone', async () => {
  const { run, file, away, database, dataDir, stop } = await rack();
  await run(['backup', file]);
  await stop();
  const before = readdirSync(dataDir).sort();
  chownSync(database, 65_534, 65_534);
  expect(await run(['backup', join(away, 'other.db')])).toMatchObject({
    ...{ code: 1, stderr: expect.stringContaining('belongs to another user') },
  });
  // To give the files to the user of the command would stop the service.
  for (const command of [['recover'], ['recover', '--pepper', '--yes'], ['migrate']]) {
    const { stderr } = await run(command);
    expect(stderr).toContain('run this as the user of the service');
    expect(stderr).not.toContain('chown');
  }
  const { code, stdout } = await run(['doctor', '--json']);
  expect({ code, checks: JSON.parse(stdout).map(({ check }: { check: string }) => check) }).toMatchObject({
    ...{ code: 7, checks: expect.arrayContaining(['owner']) },
  });
  chownSync(dataDir, 65_534, 65_534);
  expect(await run(['restore', file, '--yes'])).toMatchObject({ code: 1 });
  expect(readdirSync(dataDir).sort()).toEqual(before);
});
