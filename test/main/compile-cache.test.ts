import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { copyOfProgram, linkPackages } from '../support/copy.ts';
import { spawnProgram, temporaryDirectory, untilItServes } from '../support/keyhearth.ts';
import { isRoot } from '../support/root.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A user of this machine who owns nothing here. */
const NOBODY = 65_534;

function program() {
  const copy = copyOfProgram();
  linkPackages(copy);
  const cache = join(copy, 'node_modules/.keyhearth-cache');
  return {
    copy,
    cache,
    /** Starts and stops the service once: Node writes the cache when it ends. */
    async startAndStop(env: Record<string, string> = {}) {
      const start = { NODE_COMPILE_CACHE: '', KEYHEARTH_DATA_DIR: temporaryDirectory(), ...env };
      const { child, ended, stderr } = await untilItServes(spawnProgram(join(copy, 'src/start.js'), start));
      child.kill('SIGTERM');
      expect(await ended).toBe(0);
      if (!env.NODE_DEBUG_NATIVE) expect(stderr()).toBe('');
      return stderr();
    },
  };
}

/** What starts the program, and a program of one line in its place: one that serves compiles hundreds of files. */
function startAlone() {
  const copy = temporaryDirectory();
  for (const file of ['src/start.js', 'src/compile-cache.js', 'package.json'])
    cpSync(join(ROOT, file), join(copy, file));
  writeFileSync(join(copy, 'src/main.ts'), 'export const started = Date.now();\n');
  const packages = join(copy, 'node_modules');
  mkdirSync(packages);
  return {
    copy,
    cache: join(packages, '.keyhearth-cache'),
    async run(env: Record<string, string> = {}) {
      const { ended, stderr } = spawnProgram(join(copy, 'src/start.js'), { NODE_COMPILE_CACHE: '', ...env });
      expect({ end: await ended, stderr: stderr() }).toEqual({ end: 0, stderr: '' });
    },
  };
}

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('what Node compiles', () => {
  test('is kept beside the packages, for this user alone', async () => {
    const { cache, startAndStop } = program();
    await startAndStop();
    const files = filesIn(cache);
    expect(files.length).toBeGreaterThan(300);
    expect(modeOf(cache)).toBe('700');
    expect(new Set(files.map(modeOf))).toEqual(new Set(['600']));
  });

  test('is read by each thread that serves', async () => {
    const { startAndStop } = program();
    const readBy = async () => {
      const traced = await startAndStop({ KEYHEARTH_WORKERS: '2', NODE_DEBUG_NATIVE: 'COMPILE_CACHE' });
      return traced.match(/cache for ESM \S+\/worker\.ts was accepted/g)?.length ?? 0;
    };
    expect(await readBy()).toBe(0);
    expect(await readBy()).toBe(2);
  });

  test('is kept for this user alone when new files are open to everybody', async () => {
    const { copy, cache, startAndStop } = program();
    const preload = join(copy, 'umask.mjs');
    writeFileSync(
      preload,
      "import { isMainThread } from 'node:worker_threads'; if (isMainThread) process.umask(0);",
    );
    await startAndStop({ NODE_OPTIONS: `--import=${preload}` });
    expect(filesIn(cache).length).toBeGreaterThan(300);
    expect(modeOf(cache)).toBe('700');
  });

  test('is kept where the operator says, or nowhere, or else beside the packages', async () => {
    const { cache, run } = startAlone();
    const chosen = temporaryDirectory();
    await run({ NODE_COMPILE_CACHE: chosen });
    expect(filesIn(chosen)).not.toEqual([]);
    await run({ NODE_DISABLE_COMPILE_CACHE: '1' });
    expect(existsSync(cache)).toBe(false);
    await run();
    expect(filesIn(cache)).not.toEqual([]);
  });

  test.each(['777', '720', '755'])('is not kept in a folder of mode %s', async (mode) => {
    const { cache, run } = startAlone();
    mkdirSync(cache);
    chmodSync(cache, Number.parseInt(mode, 8));
    await run();
    expect(filesIn(cache)).toEqual([]);
  });

  test('is not kept among packages that others can write', async () => {
    const { cache, run } = startAlone();
    chmodSync(join(cache, '..'), 0o775);
    await run();
    expect(existsSync(cache)).toBe(false);
  });

  test('is not kept where a symbolic link leads', async () => {
    const { cache, run } = startAlone();
    const elsewhere = temporaryDirectory();
    symlinkSync(elsewhere, cache);
    await run();
    expect(filesIn(elsewhere)).toEqual([]);
  });

  // Only root can give a folder away.
  test.skipIf(!isRoot)('is not kept in a folder of another user', async () => {
    const { cache, run } = startAlone();
    mkdirSync(cache, { recursive: true });
    chownSync(cache, NOBODY, NOBODY);
    await run();
    expect(filesIn(cache)).toEqual([]);
  });

  test.skipIf(!isRoot)('is not kept among packages of another user', async () => {
    const { cache, run } = startAlone();
    const packages = join(cache, '..');
    chownSync(packages, NOBODY, NOBODY);
    await run();
    expect(existsSync(cache)).toBe(false);
    mkdirSync(cache, { recursive: true });
    chownSync(cache, NOBODY, NOBODY);
    await run();
    expect(filesIn(cache)).toEqual([]);
  });
});
