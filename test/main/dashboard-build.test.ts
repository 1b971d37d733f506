import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { copyProgram, isFinished, linkPackages } from '../support/copy.ts';
import { spawnProgram, temporaryDirectory, untilItServes } from '../support/keyhearth.ts';

const BUILDING = 'keyhearth: building the dashboard\n';

const ROOT = join(import.meta.dirname, '../..');

/** All tests use it, since what Node has compiled of it makes the next start faster. */
let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'keyhearth-test-'));
  copyProgram(copy, 'dashboard', 'deploy', 'package-lock.json', 'tsconfig.json');
  linkPackages(copy);
  return () => rmSync(copy, { recursive: true, force: true });
});

/** The program with the sources of its dashboard, but without a build of it. */
function program() {
  const folder = join(copy, 'dashboard');
  const dist = join(folder, 'dist');
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(ROOT, 'dashboard'), folder, { recursive: true, filter: isFinished });
  rmSync(dist, { recursive: true, force: true });
  const outside = join(copy, 'deploy/outside.txt');
  rmSync(outside, { force: true });
  const spawnBuild = () => spawn(process.execPath, [join(folder, 'build.ts')], { stdio: 'ignore' });
  return {
    folder,
    dist,
    source: join(folder, 'src/main.tsx'),
    outside,
    spawnBuild,
    build: async () => (await once(spawnBuild(), 'exit'))[0],
    /** The folders that builds leave. */
    left: () => readdirSync(folder).filter((name) => /dist/.test(name)),
    /** Starts and stops the service. @returns what it writes to standard error, and its answer at /dashboard */
    async start() {
      const env = { KEYHEARTH_DATA_DIR: temporaryDirectory() };
      const service = await untilItServes(spawnProgram(join(copy, 'src/start.js'), env));
      const { status, text } = await service.send('/dashboard');
      const script = /src="([^"]*)"/.exec(text)?.[1] ?? '';
      const asset = await fetch(new URL(script, `${service.origin}/dashboard`));
      await asset.bytes();
      service.child.kill('SIGTERM');
      await service.ended;
      return { status, stderr: service.stderr(), scriptType: asset.headers.get('content-type') };
    },
  };
}

const namesIn = (dist: string) => readdirSync(join(dist, 'assets')).sort();

test('a start builds the dashboard when there is none, and when a source or a file that it imports has changed', async () => {
  const { start, source, outside, dist, left } = program();
  const served = { status: 200, scriptType: 'text/javascript; charset=utf-8' };
  expect(await start()).toEqual({ ...served, stderr: BUILDING });
  expect(await start()).toEqual({ ...served, stderr: '' });
  const before = namesIn(dist);
  writeFileSync(outside, 'first');
  appendFileSync(source, '\nimport text from "../../deploy/outside.txt?raw";\ndocument.title = text;\n');
  expect(await start()).toEqual({ ...served, stderr: BUILDING });
  expect(namesIn(dist)).not.toEqual(before);
  expect(await start()).toEqual({ ...served, stderr: '' });
  writeFileSync(outside, 'second');
  expect(await start()).toEqual({ ...served, stderr: BUILDING });
  expect(left()).toEqual(['dist']);
});

test('the lock of an editor, and links that lead nowhere, do not stop a build', async () => {
  const { start, build, folder } = program();
  for (const name of ['src/.#main.tsx', 'src/gone.ts', '.dist-gone'])
    symlinkSync('ada@example.com.4711:1', join(folder, name));
  expect(await build()).toBe(0);
  expect(await start()).toMatchObject({ status: 200, stderr: '' });
});

test('a start builds again when a file that the dashboard imports is gone', async () => {
  const { start, build, source, outside } = program();
  writeFileSync(outside, 'first');
  appendFileSync(source, '\nimport text from "../../deploy/outside.txt?raw";\ndocument.title = text;\n');
  expect(await build()).toBe(0);
  rmSync(outside);
  expect((await start()).stderr).toMatch(/outside\.txt/);
});

test('each file of a build has both compressed forms beside it', async () => {
  const { build, dist } = program();
  expect(await build()).toBe(0);
  const assets = namesIn(dist).map((name) => join(dist, 'assets', name));
  const files = [join(dist, 'index.html'), ...assets.filter((name) => !/\.(br|gz)$/.test(name))];
  expect(files.length).toBeGreaterThan(1);
  for (const file of files) {
    const content = readFileSync(file);
    expect(brotliDecompressSync(readFileSync(`${file}.br`)).equals(content)).toBe(true);
    expect(gunzipSync(readFileSync(`${file}.gz`)).equals(content)).toBe(true);
  }
});

test('builds at once leave one whole build', async () => {
  const { build, dist, left } = program();
  expect(await Promise.all([build(), build(), build()])).toEqual([0, 0, 0]);
  expect(left()).toEqual(['dist']);
  expect(namesIn(dist).length).toBeGreaterThan(0);
});

test('a build that is killed leaves the last build as it was', async () => {
  const { build, spawnBuild, dist, left } = program();
  await build();
  const before = namesIn(dist);
  const child = spawnBuild();
  await expect.poll(() => left().length, { interval: 1 }).toBe(2);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(namesIn(dist)).toEqual(before);
  expect(existsSync(join(dist, 'index.html'))).toBe(true);
});

test('without Vite, the service starts and says how to get the dashboard', async () => {
  const { start } = program();
  const vite = join(copy, 'node_modules/vite');
  rmSync(vite);
  onTestFinished(() => symlinkSync(join(ROOT, 'node_modules/vite'), vite));
  const { status, stderr } = await start();
  expect(status).toBe(404);
  expect(stderr).toMatch(/^keyhearth: The dashboard is not built[^\n]+npm ci --include=dev\n$/);
});

test('when the build fails, the service starts and names the error', async () => {
  const { start, build, source } = program();
  appendFileSync(source, '\nimport "./missing.ts";\n');
  const { status, stderr } = await start();
  expect(status).toBe(404);
  expect(stderr.startsWith(BUILDING)).toBe(true);
  expect(stderr.slice(BUILDING.length)).toMatch(
    /^keyhearth: The dashboard could not be built \([^\n]*missing\.ts[^\n]*\); Keyhearth starts without it\. [^\n]+npm run build\n$/,
  );
  expect(await build()).toBe(1);
});

test('when the folder is read-only, the service starts and says so', async ({ skip }) => {
  const { start, folder } = program();
  const sources = temporaryDirectory();
  cpSync(folder, sources, { recursive: true });
  mkdirSync(folder, { recursive: true });
  // Only root may mount a file system, and not in every container. And root can write to each other folder.
  if (spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]).status !== 0)
    return skip('nothing can be mounted here');
  onTestFinished(() => void spawnSync('umount', ['--lazy', folder]));
  cpSync(sources, folder, { recursive: true });
  expect(spawnSync('mount', ['-o', 'remount,ro', folder]).status).toBe(0);
  const { status, stderr } = await start();
  expect(status).toBe(404);
  expect(stderr).toMatch(/could not be built \([^\n]*read-only[^\n]*\); Keyhearth starts without it/);
  return undefined;
});
