import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { keyhearth } from '../cli/command.ts';
import { register, spawnProcess, startService, temporaryDirectory } from '../support/keyhearth.ts';

/** A file system of its own in memory. Only root may mount one, and not in every container. */
function mount(options: string): string | undefined {
  const path = join(temporaryDirectory(), 'disk');
  mkdirSync(path, { mode: 0o700 });
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `mode=700,${options}`, 'tmpfs', path]).status !== 0)
    return undefined;
  onTestFinished(() => void spawnSync('umount', ['--lazy', path]));
  return path;
}

const remount = (path: string, options: string) =>
  expect(spawnSync('mount', ['-o', `remount,${options}`, path]).status).toBe(0);

async function refusalOf(dataDir: string): Promise<string> {
  const { ended, stdout, stderr } = spawnProcess({ KEYHEARTH_DATA_DIR: dataDir });
  expect({ end: await ended, stdout: stdout() }).toEqual({ end: 1, stdout: '' });
  return stderr();
}

/** Each ends at another step: the first tables, the memory that processes share, the migrations, the marker file. */
test.for(['size=12k', 'size=16k', 'size=56k', 'size=96k', 'nr_inodes=2', 'nr_inodes=3', 'nr_inodes=5'])(
  'a disk that is full with %s stops the start in a sentence; with more room it starts',
  async (options, { skip }) => {
    const dataDir = mount(options);
    if (dataDir === undefined) return skip('no file system can be mounted here');
    expect(await refusalOf(dataDir)).toMatch(
      /^keyhearth: [^\n]*(The disk of [^\n]+ is full; make room and start again|that the disk has room)[^\n]*\.\n$/,
    );
    remount(dataDir, 'size=4m,nr_inodes=100');
    const running = await startService({ dataDir });
    await register(running.send);
    await running.close();
    expect(existsSync(join(dataDir, 'pepper.database-id'))).toBe(true);
    return undefined;
  },
);

test('an import that fills the disk says so without lines of the log, and continues with more room', async ({
  skip,
}) => {
  const dataDir = mount('size=900k');
  if (dataDir === undefined) return skip('no file system can be mounted here');
  const running = await startService({ dataDir });
  await register(running.send);
  await running.close();
  const file = join(temporaryDirectory(), 'keys.jsonl');
  const count = 3_000;
  const lines = Array.from({ length: count }, (_, i) => `{"key":"${String(i).padStart(40, 'k')}"}\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  const run = () => keyhearth(['import', 'keys', file, '--json'], { env: { KEYHEARTH_DATA_DIR: dataDir } });
  const { code, stderr } = await run();
  expect({ code, stderr }).toEqual({
    code: 6,
    stderr: expect.stringMatching(
      /The disk of the database is full\. Free some space on it\. Then run the import again/,
    ),
  });
  expect(stderr).not.toMatch(/\{|503/);
  remount(dataDir, 'size=30m');
  const again = await run();
  expect(again).toMatchObject({ code: 0 });
  const { imported, already_there } = JSON.parse(again.stdout);
  expect(imported + already_there).toBe(count);
  return undefined;
});
