import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { filesOf, textOf } from '../../docs/imports.ts';
import { type Block, blocksOf, pages, placeOf, reasonOf, runnerOf, stepsOf } from './blocks.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The blocks that commands.test.ts runs, or compares with what they print. */
const runByTests = new Set(
  pages
    .flatMap(stepsOf)
    .flatMap(({ block, printed }) => (printed ? [block, printed] : [block]))
    .map(placeOf),
);

/** Whether a file has the text of a block, or reads the page. */
function isRunBy(runner: string, { text, page }: Block): boolean {
  const file = textOf(runner);
  return file.includes(text.trim()) || file.includes(page);
}

test.each(pages)('each block of %s is run by a test or by a named file, or says why not', (page) => {
  for (const block of blocksOf(page)) {
    const runner = runnerOf(block);
    if (runner !== undefined) expect(isRunBy(runner, block), placeOf(block)).toBe(true);
    else if (reasonOf(block) === undefined) expect(runByTests, block.text).toContain(placeOf(block));
  }
});

const isFile = (path: string) => statSync(join(ROOT, path)).isFile();
const runners = ['.ci/run', ...filesOf('test/**/*.ts')];

/** Whether a test names the file, or a file beside it does. */
function isUsed(file: string): boolean {
  const folderAndName = file.split('/').slice(-2).join('/');
  const beside = filesOf(`${dirname(file)}/*`).filter((other) => other !== file && isFile(other));
  return (
    runners.some((runner) => textOf(runner).includes(folderAndName)) ||
    beside.some((other) => textOf(other).includes(basename(file)))
  );
}

/** The pictures of docs/screens are made by a test, and used by nothing. */
const isOther = (file: string) => isFile(file) && !/\.md$|^docs\/screens\//.test(file);

test.each(filesOf('{deploy,docs}/**/*').filter(isOther))('%s is used by a test, or says why not', (file) => {
  expect(isUsed(file) || /not run: \S+ \S+/.test(textOf(file))).toBe(true);
});
