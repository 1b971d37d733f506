import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { blocksOf } from '../docs/blocks.ts';
import { COMPILED } from '../support/compiled.ts';
import { FIRST_KEY, temporaryDirectory, untilItServes } from '../support/keyhearth.ts';
import { productionPackages } from '../support/production-packages.ts';

/** Packs Keyhearth with deploy/package/build.ts, and uses the package as others do: below node_modules, with its production packages alone. */

const ROOT = join(import.meta.dirname, '../..');

let folder: string;
let installed: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyhearth-test-'));
  const output = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  installed = join(folder, 'node_modules/keyhearth');
  mkdirSync(installed, { recursive: true });
  const tarball = output.trim().split('\n').at(-1) ?? '';
  execFileSync('tar', ['-xzf', join(folder, tarball), '--strip-components=1', '-C', installed]);
  for (const { path } of productionPackages()) {
    const link = join(folder, path);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, path), link);
  }
  cpSync(join(ROOT, 'examples/hono'), folder, { recursive: true });
  return () => rmSync(folder, { recursive: true, force: true });
});

const ENVIRONMENT = { PATH: process.env.PATH ?? '', ...COMPILED, PORT: '0' };
const CHEAP = { KEYHEARTH_BCRYPT_COST: '10' };

/** What the code of docs/client.md takes from its program. */
const PREAMBLE = `import { Hono } from 'hono';
const app = new Hono();
declare const save: (key: string) => void;`;

/** Runs the command of the package in a working directory. */
function keyhearth(args: string[], env: Record<string, string>, cwd = folder) {
  const command = [join(installed, 'bin/keyhearth.js'), ...args];
  const child = spawn(process.execPath, command, {
    cwd,
    env: { ...ENVIRONMENT, ...CHEAP, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk) => {
      text[name] += chunk;
    });
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  return { child, ended, stdout: () => text.stdout, stderr: () => text.stderr };
}

test('the command of the package serves the API, its documentation and the dashboard from two threads', async () => {
  const env = { KEYHEARTH_DATA_DIR: temporaryDirectory(), KEYHEARTH_WORKERS: '2' };
  const service = await untilItServes(keyhearth(['serve'], env));
  for (const path of ['/health', '/docs', '/redoc', '/openapi.json', '/dashboard'])
    expect({ path, status: (await service.send(path)).status }).toEqual({ path, status: 200 });
  const [, script = ''] = /src="([^"]*)"/.exec((await service.send('/dashboard')).text) ?? [];
  expect((await fetch(new URL(script, `${service.origin}/dashboard`))).status).toBe(200);
  const client = createClient({ url: service.origin });
  expect(await client.registerKey({ api_key: FIRST_KEY })).toMatchObject({ ok: true });
  service.child.kill('SIGTERM');
  expect(await service.ended).toBe(0);
  expect(service.stderr()).toBe('');
});

test('the other commands run from the package too', async () => {
  const { ended, stdout } = keyhearth(['--help'], {});
  expect(await ended).toBe(0);
  expect(stdout()).toMatch(/^ *serve\b/m);
  expect(stdout()).toContain(`The folder docs is ${join(installed, 'docs')}\n`);
});

test('the package contains each page that a message names', () => {
  const code = globSync('build/src/**/*.js', { cwd: installed }).map((name) =>
    readFileSync(join(installed, name), 'utf8'),
  );
  const named = new Set(code.flatMap((text) => text.match(/\bdocs\/[\w/-]+\.md\b/g) ?? []));
  expect(named.size).toBeGreaterThan(5);
  expect([...named].filter((page) => !existsSync(join(installed, page)))).toEqual([]);
});

test('the default of the data directory is an absolute path', () => {
  const script = `const { parseConfig } = await import('./node_modules/keyhearth/build/src/config.js');
    process.stdout.write(parseConfig({}).dataDir);`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder,
    env: ENVIRONMENT,
    encoding: 'utf8',
  });
  expect(stdout).toBe('/var/lib/keyhearth');
});

test('a new data directory below the working directory is a warning, once', async () => {
  const cwd = temporaryDirectory();
  const logOf = async () => {
    const service = await untilItServes(keyhearth(['serve'], { KEYHEARTH_DATA_DIR: 'data' }, cwd));
    service.child.kill('SIGTERM');
    await service.ended;
    return service.stdout();
  };
  expect(await logOf()).toContain(`made the new data directory ${join(cwd, 'data')}`);
  expect(await logOf()).not.toContain('made the new data directory');
});

test('the package contains each configuration to which its pages lead', () => {
  const links = globSync('docs/**/*.md', { cwd: installed }).flatMap((page) =>
    (readFileSync(join(installed, page), 'utf8').match(/\]\([^)\s]*\/deploy\/[^)\s]*\)/g) ?? []).map((link) =>
      join(installed, dirname(page), link.slice(2, -1)),
    ),
  );
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter((link) => !existsSync(link))).toEqual([]);
});

test('the package contains no tests, no sources of TypeScript and no build for one machine', () => {
  const { files } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  const others = files.filter((path: string) => !path.startsWith('deploy/'));
  expect(others).toEqual(['bin', 'build', 'docs/*.md', 'docs/decisions/*.md']);
  const list = execFileSync('find', [installed, '-name', '*.ts', '-not', '-name', '*.d.ts'], {
    encoding: 'utf8',
  });
  expect(list).toBe('');
});

test('publint finds no mistake in the package', async () => {
  const { messages, pkg } = await publint({ pkgDir: installed, pack: false, strict: true });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

describe('the service of examples/hono', () => {
  test('and the code of docs/client.md compile strictly, with the declarations of the package', () => {
    const blocks = blocksOf('docs/client.md').filter(({ language }) => language === 'ts');
    writeFileSync(join(folder, 'page.ts'), [PREAMBLE, ...blocks.map(({ text }) => text)].join('\n'));
    const config = {
      compilerOptions: {
        ...{
          target: 'es2024',
          module: 'nodenext',
          types: ['node'],
          typeRoots: [join(ROOT, 'node_modules/@types')],
        },
        ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true },
      },
      files: ['service.ts', 'page.ts'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const { stdout } = spawnSync(tsc, ['--project', folder, '--singleThreaded'], { encoding: 'utf8' });
    expect(stdout).toBe('');
  });

  test('lets those clients pass that Keyhearth lets pass, and does not start with a wrong key', async () => {
    const env = { KEYHEARTH_DATA_DIR: temporaryDirectory() };
    const { origin: url } = await untilItServes(keyhearth(['serve'], env));
    const { keys, registerKey } = createClient({ url, key: FIRST_KEY });
    await registerKey({ api_key: FIRST_KEY });
    const own = await keys.create({ scopes: ['keys:verify'] });
    const client = await keys.create({ scopes: ['invoices:read'], owner: 'ada@example.com' });
    if (!own.ok || !client.ok) throw new Error('a key cannot be made');
    const environment = (key: string) => ({ ...ENVIRONMENT, KEYHEARTH_URL: url, KEYHEARTH_KEY: key });

    const service = spawn(process.execPath, ['service.ts'], {
      cwd: folder,
      env: environment(own.data.raw_key),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void service.kill('SIGKILL'));
    const [address] = await once(service.stdout, 'data');
    const get = (headers: Record<string, string>) => fetch(`${String(address).trim()}/invoices`, { headers });
    expect((await get({})).status).toBe(401);
    expect((await get({ 'X-API-Key': `${FIRST_KEY}0` })).status).toBe(401);
    expect((await get({ 'X-API-Key': own.data.raw_key })).status).toBe(403);
    const answer = await get({ Authorization: `Bearer ${client.data.raw_key}` });
    expect(await answer.json()).toMatchObject({ owner: 'ada@example.com', invoices: [] });
    service.kill('SIGTERM');
    expect(await once(service, 'exit')).toEqual([0, null]);

    const refused = spawnSync(process.execPath, ['service.ts'], {
      cwd: folder,
      env: environment(`${FIRST_KEY}0`),
      encoding: 'utf8',
    });
    expect(refused.stderr).toMatch(/refuses the key of this service: Invalid API key/);
    expect(refused.status).toBe(1);
  });
});
