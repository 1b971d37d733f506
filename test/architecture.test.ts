import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { drawDiagram } from '../docs/diagram.ts';
import { filesOf, importsIn, moduleOf, readModules, textOf } from '../docs/imports.ts';

/** Holds docs/architecture.md and its diagram to the code. */

const files = filesOf('{src,migrations,openapi}/**/*.ts');
const sources = files.filter((file) => file.startsWith('src/'));
const everywhere = filesOf('{src,migrations,openapi,docs,bench,deploy,test}/**/*.ts');
const imports = files.flatMap((file) => importsIn(file));
const modules = readModules();

/** The text of a file without its comments. */
const codeOf = (file: string) => textOf(file).replaceAll(/^\s*(?:\/\*[\s\S]*?\*\/|\/\/.*$)/gm, '');

/** What each module imports: no more and no less. A module that is not here may not exist. */
const MAY_IMPORT: Record<string, string[]> = {
  backup: ['audit', 'config', 'pepper', 'db/sqlite', 'db', 'lib'],
  copy: ['db/select-engine', 'db', 'lib'],
  doctor: ['config', 'http/server', 'keys', 'pepper', 'db/postgres', 'db/sqlite', 'db', 'lib'],
  cli: [
    'accounts',
    'audit',
    'backup',
    'copy',
    'bootstrap',
    'doctor',
    'import',
    'recovery',
    'client',
    'config',
    'storage',
    'keys',
    'db',
    'lib',
  ],
  main: ['arguments', 'workers', 'metrics-port', 'serve', 'config', 'http/server', 'db', 'lib'],
  'metrics-port': ['config', 'shared-memory', 'http', 'http/server', 'metrics', 'lib'],
  arguments: ['lib'],
  workers: [
    ...['serve', 'config', 'http/server', 'gateway-file', 'accounts', 'limits', 'lockout', 'metrics', 'lib'],
  ],
  serve: ['compose', 'compose-gateway', 'core-port', 'shared-memory', 'config', 'http/server', 'lib'],
  'core-port': ['config', 'shared-memory', 'http/server', 'metrics', 'lib'],
  'compose-pepper': ['accounts', 'db', 'keys', 'lib', 'pepper'],
  'compose-prover': ['db', 'keys', 'lib'],
  compose: [
    ...[
      'compose-gateway',
      'compose-request-log',
      'shared-memory',
      'storage',
      'config',
      'app',
      'apis/core',
      'apis',
      'auth/by',
      'auth',
      'http',
      'webhooks',
    ],
    ...['accounts', 'bootstrap', 'keys', 'usage', 'audit', 'limits', 'lockout', 'metrics', 'db', 'lib'],
    ...['compose-pepper', 'compose-prover'],
  ],
  'compose-client-api': [
    ...['apis/gateway', 'auth', 'auth/by', 'config', 'gateway-file', 'http', 'http/server', 'keys'],
    ...['lib', 'limits', 'lockout', 'shared-memory', 'upstreams', 'usage'],
  ],
  'compose-gateway': [
    ...['apis/gateway', 'apis/management', 'audit', 'auth/by', 'compose-client-api', 'config', 'db'],
    ...[
      'declared-keys',
      'gateway-control',
      'gateway-file',
      'gateway-port',
      'http',
      'http/dialects',
      'http/server',
    ],
    ...['keys', 'lib', 'lockout', 'oauth', 'pepper', 'upstreams', 'usage'],
  ],
  'gateway-port': [
    ...['config', 'shared-memory', 'http/server', 'http/dialects', 'gateway-file', 'metrics', 'lib'],
  ],
  'shared-memory': [
    ...['config', 'gateway-file', 'accounts', 'audit', 'limits', 'lockout', 'metrics', 'db', 'lib'],
  ],
  storage: ['config', 'bootstrap', 'pepper', 'db/select-engine', 'db', 'lib'],
  config: ['pepper', 'db', 'lib'],
  app: [
    'apis/core',
    'apis/metrics',
    'apis/dashboard',
    'apis/meta',
    'apis/proxyos',
    'apis/proxyhat',
    'apis',
    'http/dialects',
    'http',
    'lib',
  ],
  'apis/core': [
    'apis',
    'auth',
    'http/dialects',
    'http',
    'accounts',
    'bootstrap',
    'gateway-file',
    'keys',
    'usage',
    'audit',
    'lockout',
    'lib',
  ],
  'apis/dashboard': ['apis', 'http/dialects', 'http', 'lib'],
  'apis/management': [
    ...['auth/by', 'http/dialects', 'http', 'oauth', 'gateway-file', 'keys', 'usage', 'audit', 'lib'],
  ],
  'apis/gateway': [
    ...['auth', 'auth/by', 'gateway-file', 'http', 'http/dialects', 'keys', 'lib'],
    ...['upstreams'],
  ],
  'apis/metrics': ['apis', 'auth', 'http/dialects'],
  'apis/meta': ['apis', 'auth/by', 'http/dialects', 'http', 'gateway-file', 'keys', 'lib'],
  'apis/proxyhat': ['apis', 'auth', 'http/dialects', 'http', 'accounts', 'keys', 'lib'],
  'apis/proxyos': [
    'apis',
    'auth',
    'http/dialects',
    'http',
    'accounts',
    'bootstrap',
    'gateway-file',
    'keys',
    'lockout',
    'lib',
  ],
  apis: ['auth/by', 'auth', 'http', 'accounts', 'bootstrap', 'keys', 'lockout', 'lib'],
  'auth/by': ['accounts', 'auth', 'keys', 'lib', 'lockout', 'upstreams', 'usage'],
  auth: ['accounts', 'keys', 'usage', 'limits', 'lockout', 'lib'],
  'http/server': ['http/dialects', 'http', 'lib'],
  'http/dialects': ['http', 'lib'],
  http: ['lib'],
  accounts: ['bootstrap', 'keys', 'audit', 'lockout', 'pepper', 'db', 'lib'],
  bootstrap: ['keys', 'audit', 'db', 'lib'],
  import: ['declared-keys', 'gateway-file', 'bootstrap', 'keys', 'audit', 'db/sqlite', 'db', 'lib'],
  recovery: ['audit', 'db'],
  webhooks: ['audit', 'db', 'lib'],
  'gateway-control': ['gateway-file', 'keys', 'lib', 'oauth', 'upstreams'],
  oauth: ['gateway-file', 'upstreams', 'pepper', 'db', 'lib'],
  'declared-keys': ['gateway-file', 'keys', 'audit', 'db', 'lib'],
  'gateway-file': ['keys', 'lib'],
  upstreams: ['gateway-file', 'lib'],
  keys: ['audit', 'pepper', 'db', 'lib'],
  usage: ['keys', 'db', 'lib'],
  metrics: ['usage', 'db', 'lib'],
  tracing: ['lib'],
  'compose-request-log': ['config', 'http', 'tracing', 'lib'],
  audit: ['db', 'lib'],
  limits: ['db', 'lib'],
  lockout: ['keys', 'audit', 'lib'],
  pepper: ['lib'],
  'db/select-engine': ['db/postgres', 'db/sqlite', 'db', 'lib'],
  'db/postgres': ['db', 'lib'],
  'db/sqlite': ['db', 'lib'],
  db: ['migrations', 'lib'],
  migrations: [],
  lib: [],
  client: [],
};

describe('arrows run one way', () => {
  test('every module is in the table', () => {
    expect([...modules.keys()].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
  });

  test.each(Object.entries(MAY_IMPORT))('%s imports what the table says', (name, targets) => {
    expect([...(modules.get(name)?.imports ?? [])].sort()).toEqual(targets.toSorted());
  });

  test('the table has no cycle', () => {
    const finished = new Set<string>();
    function visit(name: string, path: readonly string[]): void {
      if (path.includes(name)) throw new Error(`a cycle: ${[...path, name].join(' → ')}`);
      if (finished.has(name)) return;
      for (const target of MAY_IMPORT[name] ?? []) visit(target, [...path, name]);
      finished.add(name);
    }
    for (const name of Object.keys(MAY_IMPORT)) visit(name, []);
  });
});

/** The files among `all` that import a file which matches. */
const importersOf = (target: RegExp, all: readonly string[]) =>
  all.filter((file) => importsIn(file).some(({ to }) => target.test(to)));

describe('the edges of modules', () => {
  test('no API imports another one', () => {
    for (const { from, to } of imports) {
      const [importer, imported] = [moduleOf(from), moduleOf(to)];
      if (!importer?.startsWith('apis/') || !imported?.startsWith('apis/')) continue;
      expect({ from, imported }).toEqual({ from, imported: importer });
    }
  });

  test('only app.ts, the files that compose the service, and tests import an API', () => {
    const outside = everywhere.filter((file) => !/^(?:test|src\/apis)\//.test(file));
    expect(importersOf(/^src\/apis\/\w+\//, outside)).toEqual([
      'src/app.ts',
      'src/compose-client-api.ts',
      'src/compose-gateway.ts',
      'src/compose.ts',
    ]);
  });

  test('only what starts the service imports what starts the next part', () => {
    const importers = (file: string) => importersOf(new RegExp(`^${file}$`), files).sort();
    expect(importers('src/main.ts')).toEqual([]);
    expect(importers('src/serve.ts')).toEqual([
      'src/main.ts',
      'src/workers/messages.ts',
      'src/workers/ports.ts',
      'src/workers/supervisor.ts',
      'src/workers/worker.ts',
    ]);
    expect(importers('src/compose.ts')).toEqual(['openapi/generate.ts', 'src/serve.ts']);
    expect(importers('src/compose-gateway.ts')).toEqual(['src/compose.ts', 'src/serve.ts']);
    expect(importers('src/app.ts')).toEqual(['openapi/describe.ts', 'src/compose.ts']);
    expect(importers('src/storage.ts')).toEqual([
      'src/cli/offline.ts',
      'src/cli/recover-pepper.ts',
      'src/compose.ts',
    ]);
    expect(importers('src/db/select-engine.ts')).toEqual(['src/copy/copy.ts', 'src/storage.ts']);
  });

  test('only db/sqlite knows SQLite by its error codes or its package', () => {
    const naming = sources.filter((file) => /SQLITE_|better-sqlite3/.test(codeOf(file)));
    expect(naming.filter((file) => !file.startsWith('src/db/sqlite/'))).toEqual([]);
    expect(naming).not.toEqual([]);
  });

  test('migrations are frozen in time: they import nothing of src', () => {
    const targets = imports.filter(({ from }) => from.startsWith('migrations/')).map(({ to }) => to);
    expect(targets.filter((to) => !to.startsWith('migrations/'))).toEqual([]);
  });

  test('lib imports nothing of ours but package.json', () => {
    const targets = imports.filter(({ from }) => from.startsWith('src/lib/')).map(({ to }) => to);
    expect(targets.filter((to) => !to.startsWith('src/lib/'))).toEqual(['package.json']);
  });

  test('APIs touch no store and no database', () => {
    const touched = imports
      .filter(({ from, to }) => from.startsWith('src/apis/') && /store\.ts$|^src\/db\//.test(to))
      .map(({ from, to }) => `${from} → ${to}`);
    expect(touched).toEqual([]);
  });
});

/** Rules without effects: they know lib and other pure files, and nothing else of ours except types. */
const PURE = [
  'accounts/account',
  'accounts/totp',
  'apis/core/verified-answer',
  'apis/dashboard/page',
  'apis/proxyos/present',
  'apis/proxyos/second-factor',
  'audit/event',
  'backup/revoked',
  'doctor/finding',
  'config/names',
  'doctor/findings',
  'doctor/key-findings',
  'doctor/proxy-findings',
  'doctor/server-findings',
  'doctor/setting-findings',
  'auth/admit',
  'auth/authorize',
  'cli/table',
  'cli/text',
  'client/presented-key',
  'client/refusal',
  'client/result',
  'client/types',
  'http/client-address',
  'http/dialect',
  'http/cross-site',
  'http/dialects/laravel',
  'http/dialects/management',
  'http/dialects/problem',
  'http/dialects/openai',
  'http/dialects/problem-account-rules',
  'http/dialects/problem-gateway-rules',
  'http/dialects/problem-rule',
  'http/dialects/problem-sentences',
  'http/dialects/proxyos-rest',
  'http/dialects/trpc',
  'http/headers',
  'http/rate-limit-headers',
  'http/line-limit',
  'http/security-headers',
  'gateway-file/build-config',
  'gateway-file/config',
  'gateway-file/declared',
  'gateway-file/document',
  'gateway-file/parse',
  'gateway-file/schema',
  'gateway-file/unknown-fields',
  'keys/cursor',
  'keys/key',
  'keys/digests',
  'keys/key-format',
  'keys/label',
  'keys/checks',
  'keys/maker',
  'keys/permission',
  'keys/proxyos-scopes',
  'keys/reach',
  'keys/scopes',
  'keys/weak-key',
  'lockout/wire',
  'limits/window',
  'metrics/catalogue',
  'metrics/layout',
  'tracing/span',
  'lib/brand',
  'lib/failure',
  'lib/fold',
  'lib/principal',
  'usage/outcome',
  'usage/tokens',
  'usage/period',
  'upstreams/choose',
  'upstreams/headers',
  'upstreams/model-scanner',
  'upstreams/target',
  'upstreams/carriers',
  'usage/tally',
].map((name) => `src/${name}.ts`);

test.each(PURE)('%s is pure: no database, no clock, no file', (file) => {
  for (const { to, isTypeOnly } of importsIn(file)) {
    expect({ to, isPure: isTypeOnly || to.startsWith('src/lib/') || PURE.includes(to) }).toEqual({
      to,
      isPure: true,
    });
  }
  expect(codeOf(file).replace("import { STATUS_CODES } from 'node:http';", '')).not.toMatch(
    /node:(fs|net|http|process|timers)|Date\.now|new Date\(\)|performance\.now|process\.|setTimeout|setImmediate/,
  );
});

describe('the process', () => {
  /** Where a thread of the program begins. */
  const entries = ['src/main.ts', 'src/cli/main.ts', 'src/workers/worker.ts'];

  test.each(files.filter((file) => !entries.includes(file)))('%s leaves it alone', (file) => {
    const code = codeOf(file);
    expect(code).not.toMatch(
      /process\.(env|argv|exit|on|once|stdout|stderr|stdin|umask|kill|chdir)\b|console\./,
    );
    const named = /import ({[^}]*}|.*) from 'node:process'/.exec(code)?.[1];
    expect([undefined, '{ getuid }', '{ getuid, versions }', '{ hrtime }']).toContain(named);
  });
});

test('import.meta.dirname has the path of a file: that of a URL has %20 for a space', () => {
  const code = filesOf('{*.ts,{src,migrations,openapi,docs,bench,deploy,test}/**/*.{ts,mjs}}');
  const takenFromUrl = code.filter(
    (file) => /import\.meta\.url/.test(textOf(file)) && /\.pathname/.test(textOf(file)),
  );
  expect(takenFromUrl).toEqual([]);
  expect(code).toContain('bench/autocannon.mjs');
});

test('a file is one idea: at most 250 lines, and half of them at most 70', () => {
  const lengths = sources
    .map((file) => ({ file, lines: textOf(file).trimEnd().split('\n').length }))
    .sort((a, b) => a.lines - b.lines);
  const longest = lengths.at(-1);
  const median = lengths[Math.floor(lengths.length / 2)];
  const figures = `longest: ${longest?.file}, ${longest?.lines} lines; median: ${median?.lines} lines`;
  expect(longest?.lines, figures).toBeLessThanOrEqual(250);
  expect(median?.lines, figures).toBeLessThanOrEqual(70);
});

const pages = ['docs/architecture.md', ...filesOf('docs/decisions/*.md')];

describe('the documents', () => {
  test('the diagram is of this code (npm run generate brings it up to date)', () => {
    expect(textOf('docs/architecture.svg')).toBe(drawDiagram());
  });

  test.each(pages)('the files that %s names are there', (page) => {
    const text = textOf(page);
    const named = [...text.matchAll(/`((?:src|test|docs|migrations)\/[\w./-]*)`/g)].map(
      ([, path = '']) => path,
    );
    const folder = page.slice(0, page.lastIndexOf('/'));
    const linked = [...text.matchAll(/\]\((?!http)([^)#]+)/g)].map(([, path = '']) => `${folder}/${path}`);
    const missing = [...named, ...linked].filter(
      (path) => !existsSync(join(import.meta.dirname, '..', path)),
    );
    expect(missing).toEqual([]);
  });

  test('architecture.md names every folder and file at the top of src, every module and every dependency', () => {
    const text = textOf('docs/architecture.md');
    const paths = sources.map((file) => file.slice('src/'.length));
    const top = paths.map((path) => path.replace(/\/.*/, '/'));
    const nested = [...modules.keys()]
      .filter((name) => name.includes('/'))
      .map((name) => name.replace(/.*\//, ''));
    const { dependencies } = JSON.parse(textOf('package.json'));
    const packages = Object.keys(dependencies).map((name) => `\`${name}\``);
    for (const name of new Set([...top, ...nested, ...packages])) {
      expect(text.includes(name), `${name} is not in docs/architecture.md`).toBe(true);
    }
  });

  test('the index lists every decision, once', () => {
    const listed = [...textOf('docs/decisions/README.md').matchAll(/\]\(([\w-]+\.md)\)/g)].map(
      ([, name]) => name,
    );
    const written = filesOf('docs/decisions/*.md').map((file) => file.slice('docs/decisions/'.length));
    expect(listed.toSorted()).toEqual(written.filter((name) => name !== 'README.md'));
  });
});
