import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const SCRIPT = join(import.meta.dirname, 'tick-shape-process.ts');

/** How long ticks take after garbage collections ÷ before them. */
const slowdown = async (...args: string[]) =>
  Number((await promisify(execFile)(process.execPath, ['--expose-gc', SCRIPT, ...args])).stdout);

test('ticks stay fast after garbage collections', async () => {
  expect(await slowdown('keep')).toBeLessThan(2);
});

test('without the kept object, they do not', async () => {
  expect(await slowdown()).toBeGreaterThan(2);
});
