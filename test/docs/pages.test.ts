import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { GENERATED, generateFile } from '../../docs/generate.ts';
import { filesOf, textOf } from '../../docs/imports.ts';
import { ACTIONS } from '../../src/audit/event.ts';
import { commandVariables } from '../../src/config/names.ts';
import { environmentSchema } from '../../src/config.ts';
import { problemCodes } from '../../src/http/dialects/problem.ts';
import { pages, readPage } from './blocks.ts';

const root = join(import.meta.dirname, '../..');

test.each(Object.keys(GENERATED) as (keyof typeof GENERATED)[])(
  'the generated part of %s is what the code says (npm run generate brings it up to date)',
  (file) => {
    const { before, after } = generateFile(file);
    expect(before).toBe(after);
  },
);

test('each variable and each error code has a row', () => {
  expect(readPage('docs/configuration.md')).toContain('| `KEYHEARTH_LOCKOUT_ATTEMPTS` | `5` |');
  for (const code of problemCodes) expect(readPage('docs/errors.md')).toMatch(`| \`${code}\` |`);
});

test('docs/audit.md has a row for each action', () => {
  const rows = readPage('docs/audit.md').match(/^\| `\w+\.\w+`.*$/gm) ?? [];
  const named = rows.flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`(\w+\.\w+)`/g)]);
  expect(named.map(([, action]) => action).sort()).toEqual([...ACTIONS].sort());
});

/** The anchors that a page's headings get on the usual hosts. */
const anchorsOf = (page: string) =>
  [...readPage(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

test.each(pages)('the links of %s lead to files and headings that exist', (page) => {
  const prose = readPage(page).replaceAll(/```[\s\S]*?```/g, '');
  for (const [link, target = ''] of prose.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? page : join(dirname(page), file);
    expect({ link, exists: existsSync(join(root, path)) }).toEqual({ link, exists: true });
    if (anchor !== undefined) expect(anchorsOf(path)).toContain(anchor);
  }
});

test('docs/README.md lists every page of docs', () => {
  const index = readPage('docs/README.md');
  for (const page of filesOf('docs/*.md')) {
    if (page !== 'docs/README.md') expect(index).toContain(`](${page.slice('docs/'.length)})`);
  }
});

/** bench/report.ts writes the benchmarks, with figures whose length changes. */
const written = pages.filter((page) => !['CHANGELOG.md', 'docs/benchmarks.md'].includes(page));

test.each(written)('%s has lines of at most 120 characters, tables excepted', (page) => {
  const long = readPage(page)
    .split('\n')
    .filter((line) => line.length > 120 && !line.startsWith('|'));
  expect(long).toEqual([]);
});

/** What a pattern finds in all pages: its first group, with the page. */
const mentioned = (pattern: RegExp) =>
  pages.flatMap((page) => [...readPage(page).matchAll(pattern)].map(([, name = '']) => ({ page, name })));

test('each script that a page names is one of the package', () => {
  const { scripts } = JSON.parse(textOf('package.json'));
  const unknown = mentioned(/\bnpm run ([\w:]+)/g).filter(({ name }) => !(name in scripts));
  expect(unknown).toEqual([]);
});

/** Kubernetes sets the first, and people take it for PORT. The others are for the command line. */
const NO_SETTINGS = ['KEYHEARTH_PORT', ...commandVariables];

test('each variable that a page names is a setting, or is read by the tests', () => {
  const readByTests = [...filesOf('test/**/*.ts'), 'vitest.config.ts'].map(textOf).join('\n');
  const unknown = mentioned(/\b(KEYHEARTH_\w*[A-Z])\b/g).filter(
    ({ name }) =>
      !NO_SETTINGS.includes(name) &&
      !(name in environmentSchema.shape) &&
      !readByTests.includes(`process.env.${name}`),
  );
  expect(unknown).toEqual([]);
});
