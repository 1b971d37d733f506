import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BIN } from '../cli/command.ts';
import { COMPILED } from '../support/compiled.ts';
import { register, startService, temporaryDirectory } from '../support/keyhearth.ts';

const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
const reason = 'strace cannot be run here, and nothing else shows when a file is synced.';

const CALLS = 'write,pwrite64,sendfile,copy_file_range,ioctl,fsync,fdatasync,rename';

/** Runs a command under strace, and returns its system calls, in their order. A call that is resumed is one line. */
function trace(dataDir: string, command: readonly string[]): string[] {
  const output = join(temporaryDirectory(), 'trace');
  const options = ['-f', '-y', '-o', output, '-e', `trace=${CALLS}`, '-e', 'signal=none'];
  const { status, stderr } = spawnSync('strace', [...options, process.execPath, BIN, ...command], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', ...COMPILED, KEYHEARTH_DATA_DIR: dataDir },
  });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return readFileSync(output, 'utf8').split('\n');
}

/** Whether, when the draft got its name, all of it was on the disk; and whether the name was, at the end. */
function replay(lines: readonly string[], file: string, directory: string) {
  const isDraft = (line: string) => line.includes(`<${file}.`) && !/-(?:wal|journal|shm)>/.test(line);
  const renamed = lines.findIndex((line) => /rename\(/.test(line) && line.includes(`, "${file}")`));
  const before = lines.slice(0, renamed).filter(isDraft);
  const lastWrite = before.findLastIndex((line) => /write|sendfile|copy_file_range|ioctl/.test(line));
  const lastSync = before.findLastIndex((line) => / f(?:data)?sync\(/.test(line));
  const after = lines.slice(renamed);
  return {
    isRenamed: renamed >= 0,
    isWritten: lastWrite >= 0,
    isFileSynced: lastSync > lastWrite,
    isNameSynced: after.some((line) => / fsync\(/.test(line) && line.includes(`<${directory}>`)),
  };
}

const ON_DISK = { isRenamed: true, isWritten: true, isFileSynced: true, isNameSynced: true };

test('a backup and a restore are on the disk, with their names, before the command says so', async ({
  skip,
}) => {
  skip(!canTrace, reason);
  const dataDir = join(temporaryDirectory(), 'data');
  const away = temporaryDirectory();
  const running = await startService({ dataDir });
  await register(running.send);
  await running.close();
  const file = join(away, 'backup.db');
  expect(replay(trace(dataDir, ['backup', file]), file, away)).toEqual(ON_DISK);
  const database = join(dataDir, 'keyhearth.db');
  expect(replay(trace(dataDir, ['restore', file, '--yes']), database, dataDir)).toEqual(ON_DISK);
});
