import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf } from '../../docs/imports.ts';

const ROOT = join(import.meta.dirname, '../..');

/** All pages of documentation, from the root of the repository. */
export const pages = filesOf('{*.md,docs/**/*.md}');

export const readPage = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** A fenced block of a page, without the indentation that a list gives it. */
export type Block = {
  page: string;
  line: number;
  language: string;
  text: string;
  /** The comment above the block, without its brackets. */
  comment: string | undefined;
};

const FENCE =
  /^(?:[ ]*<!-- (?<comment>.*?) -->\n)?(?<indent>[ ]*)```(?<language>\w*)\n(?<text>[\s\S]*?)^\k<indent>```$/gm;

export function blocksOf(page: string): Block[] {
  const content = readPage(page);
  return [...content.matchAll(FENCE)].map(({ groups = {}, index }) => ({
    page,
    line: content.slice(0, index).split('\n').length,
    language: groups.language ?? '',
    text: (groups.text ?? '').replaceAll(new RegExp(`^${groups.indent}`, 'gm'), ''),
    comment: groups.comment,
  }));
}

/** Where a block is, for messages. */
export const placeOf = ({ page, line }: Block): string => `${page}:${line}`;

/** Why a block is not run: the words after "not run:". */
export const reasonOf = ({ comment }: Block): string | undefined =>
  /^not run: (.+)$/.exec(comment ?? '')?.[1];

/** The file that runs a block in place of the tests: the path after "run by". */
export const runnerOf = ({ comment }: Block): string | undefined => /^run by (\S+)$/.exec(comment ?? '')?.[1];

/** A block of commands, and the block below it that shows what they print. */
export type Step = { block: Block; printed: Block | undefined };

/** The steps of a page that the tests run, in their order. */
export function stepsOf(page: string): Step[] {
  const blocks = blocksOf(page);
  return blocks.flatMap((block, i) => {
    if (block.language !== 'sh' || reasonOf(block) !== undefined || runnerOf(block) !== undefined) return [];
    const next = blocks[i + 1];
    return [{ block, printed: next && isOutput(next) ? next : undefined }];
  });
}

export const isOutput = ({ language }: Block): boolean => language === 'json' || language === 'text';
