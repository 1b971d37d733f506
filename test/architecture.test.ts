import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Holds the drawing in docs/architecture.md to the code. */

const root = new URL('..', import.meta.url).pathname;
const files = globSync('{src,migrations,openapi}/**/*.ts', { cwd: root });

/** The modules of ours that a file imports, as paths from the root. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:^|\n)(?:import|export)[^;]*?from '(\.[^']*)'/g)].map(([, target = '']) =>
    normalize(join(dirname(file), target)),
  );
}

const arrows = files.flatMap((from) => importsOf(from).map((to) => ({ from, to })));

const room = (path: string) => /^src\/(\w+)\//.exec(path)?.[1] ?? path;

/** What each room may know. A room that is not here may not exist. */
const mayImport: Record<string, string[]> = {
  lib: [],
  db: ['lib', 'migrations'],
  http: ['lib'],
  lockout: ['lib'],
  pepper: ['lib'],
  keys: ['lib', 'db', 'http', 'pepper'],
  bootstrap: ['lib', 'db', 'http', 'keys'],
  service: ['lib', 'http', 'keys'],
  verify: ['lib', 'http', 'keys', 'lockout'],
  workers: ['lib', 'http', 'lockout', 'src/config.ts', 'src/serve.ts'],
};

/** Rules without effects: they know other rules, and nothing else. */
const pureFiles = ['keys/key', 'keys/secret', 'keys/verify', 'http/client-address', 'http/credentials'];

describe('arrows run one way', () => {
  const inRooms = arrows.filter(({ from }) => /^src\/\w+\//.test(from));
  test.each(inRooms.map(({ from, to }) => [from, to] as const))('%s → %s', (from, to) => {
    const target = to.startsWith('migrations/') ? 'migrations' : room(to);
    if (to === 'package.json') return;
    expect([room(from), ...(mayImport[room(from)] ?? [])]).toContain(target);
  });

  test('every room has its place in the drawing', () => {
    expect([...new Set(files.filter((file) => /^src\/\w+\//.test(file)).map(room))].sort()).toEqual(
      Object.keys(mayImport).sort(),
    );
  });

  test('only what starts the service imports compose.ts or a concrete part from outside its room', () => {
    const whoImports = (target: string) =>
      arrows
        .filter(({ to }) => to === target)
        .map(({ from }) => from)
        .sort();
    expect(whoImports('src/compose.ts')).toEqual(['openapi/generate.ts', 'src/serve.ts']);
    expect(whoImports('src/serve.ts')).toEqual([
      'src/main.ts',
      'src/workers/supervisor.ts',
      'src/workers/worker.ts',
    ]);
    expect(whoImports('src/main.ts')).toEqual([]);
    expect(whoImports('src/app.ts')).toEqual(['openapi/generate.ts', 'src/compose.ts']);
    expect(whoImports('src/db/engine.ts')).toEqual(['src/storage.ts']);
    expect(whoImports('src/storage.ts')).toEqual(['src/compose.ts']);
  });

  test.each(pureFiles)('%s is pure: no database, no clock, no file, no other room but pure ones', (name) => {
    const file = `src/${name}.ts`;
    const allowed = [...pureFiles.map((pure) => `src/${pure}.ts`), 'src/pepper/pepper.ts'];
    for (const target of importsOf(file))
      expect(target.startsWith('src/lib/') || allowed.includes(target)).toBe(true);
    expect(readFileSync(join(root, file), 'utf8')).not.toMatch(
      /node:(fs|net|http|process)|Date\.now|performance\.now|process\./,
    );
  });

  test('routes touch no store and no database', () => {
    for (const { from, to } of arrows.filter(({ from }) => from.endsWith('/routes.ts'))) {
      expect(`${from} → ${to}`).not.toMatch(/store\.ts$|→ src\/db\//);
    }
  });
});

/** Where a thread of the program begins. */
const entries = ['src/main.ts', 'src/workers/worker.ts'];

describe('the process', () => {
  test.each(files.filter((file) => !entries.includes(file)))('%s leaves it alone', (file) => {
    const text = readFileSync(join(root, file), 'utf8');
    expect(text).not.toMatch(/process\.(env|argv|exit|on|stdout|stderr|umask)\b|console\./);
  });
});

test.each(files)('%s is one idea: at most 250 lines', (file) => {
  expect(readFileSync(join(root, file), 'utf8').split('\n').length).toBeLessThanOrEqual(251);
});
