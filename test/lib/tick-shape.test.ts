import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const SCRIPT = join(import.meta.dirname, 'tick-shape-process.ts');

test('after garbage collections, ticks have the shape of the one that is kept', async () => {
  const flags = ['--expose-gc', '--allow-natives-syntax'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, SCRIPT]);
  expect(stdout).toBe('true');
});
