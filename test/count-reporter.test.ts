import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from './support/keyhearth.ts';

const ROOT = join(import.meta.dirname, '..');

/** Runs a suite of these test files, after these statements. */
async function run(files: string[], setup = '') {
  const root = temporaryDirectory();
  const reporters = [join(ROOT, 'test/support/count-reporter.ts')];
  const config = { test: { globals: true, reporters, globalSetup: ['./setup.mjs'] } };
  writeFileSync(join(root, 'vitest.config.mjs'), `export default ${JSON.stringify(config)};`);
  writeFileSync(join(root, 'setup.mjs'), `export default async () => { ${setup} };`);
  files.forEach((text, i) => {
    writeFileSync(join(root, `${i}.test.mjs`), text);
  });
  const child = spawn(process.execPath, [
    join(ROOT, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--root',
    root,
  ]);
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  const [code] = await once(child, 'close');
  return { lastLine: output.trimEnd().split('\n').at(-1), isSuccess: code === 0 };
}

const PASSES = "test('a', () => {});";

test('a run that succeeds counts its tests in the last line', async () => {
  const { lastLine, isSuccess } = await run([`${PASSES} test.skip('b', () => {});`]);
  expect({ lastLine, isSuccess }).toEqual({ lastLine: '1 passed, 0 failed, 1 skipped', isSuccess: true });
});

test.each([
  ['a test that fails and a broken file', [PASSES, "test('a', () => expect(1).toBe(2))", 'broken('], 2],
  [
    'an error after a test',
    [
      `test('a', () => void setTimeout(() => { throw new Error('late'); }));
       test('b', () => new Promise((resolve) => setTimeout(resolve, 20)));`,
    ],
    1,
  ],
  ['a process that is killed', ["test('a', () => process.kill(process.pid, 'SIGKILL'));"], 1],
  ['skipped tests alone', ["test.skip('a', () => {});"], 1],
])('a run fails that has %s', async (_, files, failed) => {
  const { lastLine, isSuccess } = await run(files);
  expect(lastLine).toMatch(new RegExp(`^\\d+ passed, ${failed} failed`));
  expect(isSuccess).toBe(false);
});

test.each([
  "throw new Error('no server')",
  "queueMicrotask(() => { throw new Error('no server'); }); await new Promise(() => {})",
  'await new Promise(() => {})',
  'process.exit(0)',
])('a run fails that ends before its first test: %s', async (setup) => {
  expect(await run([PASSES], setup)).toEqual({ lastLine: '0 passed, 1 failed', isSuccess: false });
});
