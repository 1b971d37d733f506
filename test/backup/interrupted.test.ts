import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync, rmSync, statSync, watch } from 'node:fs';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import SqliteDatabase from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { restore } from '../../src/backup/restore.ts';
import { parseConfig } from '../../src/config.ts';
import { BIN } from '../cli/command.ts';
import { COMPILED } from '../support/compiled.ts';
import { startService, temporaryDirectory } from '../support/keyhearth.ts';

/** A database whose copy takes long enough for a signal to arrive. */
async function stoppedService() {
  const dataDir = join(temporaryDirectory(), 'data');
  await (await startService({ dataDir })).close();
  const database = join(dataDir, 'keyhearth.db');
  const sqlite = new SqliteDatabase(database);
  sqlite.exec('create table filler (bytes blob)');
  const add = sqlite.prepare('insert into filler values (zeroblob(1000000))');
  sqlite.transaction(() => {
    for (let row = 0; row < 100; row += 1) add.run();
  })();
  sqlite.close();
  return { dataDir, database };
}

const UUID = /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** Sends a signal to a command as soon as it writes a draft of `target`. */
async function interrupt(signal: NodeJS.Signals, dataDir: string, target: string, args: readonly string[]) {
  const watcher = watch(join(target, '..'));
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { PATH: process.env.PATH, KEYHEARTH_DATA_DIR: dataDir, ...COMPILED },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const isDraft = (name: string) => name.startsWith(`${basename(target)}.`) && UUID.test(name);
  watcher.on('change', (_, name) => {
    if (!isDraft(String(name))) return;
    watcher.close();
    child.kill(signal);
  });
  const [stderr, [code, endedBy]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  watcher.close();
  // On a busy machine, the command may have done its work before the signal arrives, and be about to end.
  const isDone = code === 0 || endedBy !== null;
  return isDone ? 'done' : { code, stderr };
}

test.each([
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const)('%s during a backup leaves nothing of it', async (signal, code) => {
  const { dataDir } = await stoppedService();
  const away = temporaryDirectory();
  const file = join(away, 'backup.db');
  for (;;) {
    const ended = await interrupt(signal, dataDir, file, ['backup', file]);
    if (ended !== 'done') {
      expect(ended).toEqual({ code, stderr: 'Interrupted. There is no backup.\n' });
      break;
    }
    expect(readdirSync(away)).toEqual(['backup.db']);
    rmSync(file);
  }
  expect(readdirSync(away)).toEqual([]);
});

test('SIGTERM during a restore changes nothing, and leaves nothing of it', async () => {
  const { dataDir, database } = await stoppedService();
  const file = join(temporaryDirectory(), 'backup.db');
  copyFileSync(database, file);
  for (;;) {
    const before = readdirSync(dataDir);
    const ended = await interrupt('SIGTERM', dataDir, database, ['restore', file, '--yes']);
    if (ended !== 'done') {
      expect(ended).toEqual({ code: 143, stderr: 'Interrupted. Nothing was changed.\n' });
      expect(readdirSync(dataDir)).toEqual(before);
      break;
    }
    expect(readdirSync(dataDir).filter((name) => UUID.test(name))).toEqual([]);
    for (const name of readdirSync(dataDir)) if (name.includes('.replaced-')) rmSync(join(dataDir, name));
  }
  expect(existsSync(database)).toBe(true);
});

test('a signal that arrives while the process checks a backup is handled before anything is changed', async () => {
  const { dataDir, database } = await stoppedService();
  const file = join(temporaryDirectory(), 'backup.db');
  copyFileSync(database, file);
  const interruption = new AbortController();
  const handle = () => interruption.abort();
  process.on('SIGUSR2', handle);
  onTestFinished(() => void process.off('SIGUSR2', handle));
  const before = statSync(database).ino;
  const restoring = restore(parseConfig({ KEYHEARTH_DATA_DIR: dataDir }), file, {
    ...{ clock: { now: Date.now }, interrupted: interruption.signal },
    confirm: async () => void process.kill(process.pid, 'SIGUSR2'),
  });
  await expect(restoring).rejects.toThrow('Cannot write the restored database');
  expect(statSync(database).ino).toBe(before);
});
