import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
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
  const cache = join(copy, 'node_modules/.cache/keyhearth');
  return {
    cache,
    /** Starts and stops the service once: Node writes the cache when it ends. */
    async startAndStop(env: Record<string, string> = {}) {
      const start = { NODE_COMPILE_CACHE: '', KEYHEARTH_DATA_DIR: temporaryDirectory(), ...env };
      const { child, ended, stderr } = await untilItServes(spawnProgram(join(copy, 'src/start.js'), start));
      child.kill('SIGTERM');
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
  test('is kept beside the packages, for this user alone, for each thread that serves', async () => {
    const one = program();
    await one.startAndStop();
    const files = filesIn(one.cache);
    expect(files.length).toBeGreaterThan(300);
    expect(modeOf(one.cache)).toBe('700');
    expect(new Set(files.map(modeOf))).toEqual(new Set(['600']));
    const several = program();
    await several.startAndStop({ KEYHEARTH_WORKERS: '2' });
    expect(filesIn(several.cache).length).toBeGreaterThan(300);
  });

  test('is kept where the operator says, or nowhere', async () => {
    const { cache, startAndStop } = program();
    const chosen = temporaryDirectory();
    await startAndStop({ NODE_COMPILE_CACHE: chosen });
    expect(filesIn(chosen)).not.toEqual([]);
    await startAndStop({ NODE_DISABLE_COMPILE_CACHE: '1' });
    expect(existsSync(cache)).toBe(false);
  });

  test('is not kept where others can write', async () => {
    const { cache, startAndStop } = program();
    mkdirSync(cache, { recursive: true });
    chmodSync(cache, 0o777);
    await startAndStop();
    expect(filesIn(cache)).toEqual([]);
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
    const packages = join(cache, '../..');
    chownSync(packages, NOBODY, NOBODY);
    await startAndStop();
    expect(existsSync(cache)).toBe(false);
    mkdirSync(cache, { recursive: true });
    chownSync(cache, NOBODY, NOBODY);
    await startAndStop();
    expect(filesIn(cache)).toEqual([]);
  });
});
