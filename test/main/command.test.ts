import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { copyOfProgram, linkPackages } from '../support/copy.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';

const ROOT = join(import.meta.dirname, '../..');

/** None of these runs starts to serve. */
const PATIENCE_MS = 20_000;

function run(program: string, args: string[], cwd = ROOT) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env: { PATH: process.env.PATH, KEYHEARTH_DATA_DIR: temporaryDirectory() },
    encoding: 'utf8',
    timeout: PATIENCE_MS,
  });
  return { status, stdout, stderr };
}

/** A Node on this machine that is too old for Keyhearth, such as the one that npm runs on. */
const oldNode = (process.env.PATH ?? '')
  .split(delimiter)
  .map((directory) => join(directory, 'node'))
  .filter(existsSync)
  .find((node) => Number(/^v(\d+)/.exec(execFileSync(node, ['--version'], { encoding: 'utf8' }))?.[1]) < 24);

describe('`npm start` says in one sentence', () => {
  test.skipIf(oldNode === undefined)('that Node is too old, and how to get a newer one', () => {
    const { status, stdout, stderr } = run(oldNode ?? '', ['src/start.js']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^keyhearth: Keyhearth needs Node 24 or newer[^\n]+npm ci[^\n]+\n$/);
  });

  test('that the packages are missing', () => {
    const { status, stdout, stderr } = run(process.execPath, ['src/start.js'], copyOfProgram());
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^keyhearth: The package [\w@/-]+ is not installed; run: npm ci\n$/);
  });

  test('that the packages were installed for another kind of machine', () => {
    const copy = copyOfProgram();
    linkPackages(copy, 'better-sqlite3');
    for (const part of ['lib', 'package.json']) {
      const path = join('node_modules/better-sqlite3', part);
      cpSync(join(ROOT, path), join(copy, path), { recursive: true });
    }
    const { status, stdout, stderr } = run(process.execPath, ['src/start.js'], copy);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^keyhearth: [^\n]+better-sqlite3[^\n]+npm ci\n$/);
  });
});

test('`npm start` passes arguments on, which are answered or refused', () => {
  const help = run('npm', ['start', '--silent', '--', '--help']);
  expect(help).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^Keyhearth .*\n\nUsage: /),
    stderr: '',
  });
  const port = run('npm', ['start', '--silent', '--', '--port', '9000']);
  expect(port).toEqual({
    status: 2,
    stdout: '',
    stderr: expect.stringMatching(/^keyhearth: There is no --port;.*\n$/),
  });
});
