import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { median } from './statistics.ts';

const SRC = join(import.meta.dirname, '../src');

export type Lines = { median: number; longest: number };

/** How long the TypeScript files below a directory are. */
export function countLines(directory = SRC): Lines {
  const counts = globSync('**/*.ts', { cwd: directory }).map(
    (file) => readFileSync(join(directory, file), 'utf8').split('\n').length - 1,
  );
  return { median: median(counts), longest: Math.max(...counts) };
}
