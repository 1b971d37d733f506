import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockedForProduction } from './support/production-packages.ts';

/** Anybody may use them with Keyhearth, and pass them on, under conditions that the package meets by naming them. */
const PERMISSIVE = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'Python-2.0',
];

/** What package-lock.json does not say as an SPDX expression, and where it is written in the package. */
const READ_BY_HAND: Record<string, { licence: string; file: string; text: RegExp }> = {
  decko: { licence: 'MIT', file: 'LICENSE', text: /^The MIT License/ },
  stickyfill: { licence: 'MIT', file: 'LICENSE', text: /^The MIT License/ },
  'url-template': {
    licence: 'BSD-3-Clause',
    file: 'LICENSE',
    text: /The name of the author may not be used/,
  },
};

/** Of `(A OR B)`, one is enough. */
const isPermissive = (licence = '') =>
  licence
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((each) => PERMISSIVE.includes(each));

test('each package that serves has a licence that lets anybody use it', () => {
  const refused = lockedForProduction().filter(
    ({ name, license }) => !isPermissive(READ_BY_HAND[name]?.licence ?? license),
  );
  expect(refused).toEqual([]);
});

test.each(Object.entries(READ_BY_HAND))('%s says its licence elsewhere', (name, { file, text }) => {
  expect(readFileSync(join(import.meta.dirname, '../node_modules', name, file), 'utf8')).toMatch(text);
});

test('the changelog has a section for the version of the package', () => {
  const read = (name: string) => readFileSync(join(import.meta.dirname, '..', name), 'utf8');
  const { version } = JSON.parse(read('package.json'));
  expect(read('CHANGELOG.md')).toMatch(new RegExp(`^## \\[${version}\\] - \\d{4}-\\d\\d-\\d\\d$`, 'm'));
});
