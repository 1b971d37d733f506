import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { describe, expect, test } from 'vitest';
import { copyOfProgram, linkPackages } from '../support/copy.ts';
import { spawnProgram, temporaryDirectory, untilItServes } from '../support/keyhearth.ts';

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

  test('is kept where the operator says, or nowhere', async () => {
    const { cache, startAndStop } = program();
    const chosen = temporaryDirectory();
    await startAndStop({ NODE_COMPILE_CACHE: chosen });
    expect(filesIn(chosen)).not.toEqual([]);
    await startAndStop({ NODE_DISABLE_COMPILE_CACHE: '1' });
    expect(existsSync(cache)).toBe(false);
  });

  test.each(['777', '720', '755'])('is not kept in a folder of mode %s', async (mode) => {
    const { cache, startAndStop } = program();
    mkdirSync(cache);
    chmodSync(cache, Number.parseInt(mode, 8));
    await startAndStop();
    expect(filesIn(cache)).toEqual([]);
  });

  test('is not kept among packages that others can write', async () => {
    const { cache, startAndStop } = program();
    chmodSync(join(cache, '..'), 0o775);
    await startAndStop();
    expect(existsSync(cache)).toBe(false);
  });

  test('is not kept where a symbolic link leads', async () => {
    const { cache, startAndStop } = program();
    const elsewhere = temporaryDirectory();
    symlinkSync(elsewhere, cache);
    await startAndStop();
    expect(filesIn(elsewhere)).toEqual([]);
  });

  // Only root can give a folder away.
  test.skipIf(getuid?.() !== 0)('is not kept in a folder of another user', async () => {
    const { cache, startAndStop } = program();
    mkdirSync(cache, { recursive: true });
    chownSync(cache, NOBODY, NOBODY);
    await startAndStop();
    expect(filesIn(cache)).toEqual([]);
  });

  test.skipIf(getuid?.() !== 0)('is not kept among packages of another user', async () => {
    const { cache, startAndStop } = program();
    const packages = join(cache, '..');
    chownSync(packages, NOBODY, NOBODY);
    await startAndStop();
    expect(existsSync(cache)).toBe(false);
    mkdirSync(cache, { recursive: true });
    chownSync(cache, NOBODY, NOBODY);
    await startAndStop();
    expect(filesIn(cache)).toEqual([]);
  });
});
