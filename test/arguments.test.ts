import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { answerArguments } from '../src/arguments.ts';
import { product } from '../src/lib/product.ts';

test('without arguments the service starts', () => {
  expect(answerArguments([])).toBeUndefined();
});

test.each([['--help'], ['-h'], ['--port', '9000', '--help']])(
  '%s: the usage, and where the settings are',
  (...args) => {
    const answer = answerArguments(args);
    expect(answer?.exitCode).toBe(0);
    expect(answer?.text).toMatch(/Usage: npm start/);
    const [page = ''] = /docs\/[\w.]+/.exec(answer?.text ?? '') ?? [];
    expect(existsSync(join(import.meta.dirname, '..', page))).toBe(true);
  },
);

test('--version: the version', () => {
  expect(answerArguments(['--version'])).toEqual({ text: `${product.version}\n`, exitCode: 0 });
});

test.each<[string[], string]>([
  [['--port', '9000'], '--port'],
  [['--port=9000'], '--port'],
  [['--version', '--verbose'], '--verbose'],
  [['-p', '9000'], '-p'],
  [['geheim'], 'such argument'],
  [[''], 'such argument'],
  [['--\x1b[31m'], 'such argument'],
])('%j: refused in a sentence that repeats no value', (args, name) => {
  const answer = answerArguments(args);
  expect(answer?.exitCode).toBe(2);
  expect(answer?.text).toMatch(/^keyhearth: [^\n]+environment variables[^\n]+--help\.\n$/);
  expect(answer?.text).toContain(`no ${name};`);
  expect(answer?.text).not.toMatch(/geheim|9000/);
});
