import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('ids and secrets cannot be swapped, and a typed client knows every route', async () => {
  const compile = promisify(execFile)(join(import.meta.dirname, '../../node_modules/.bin/tsc'), [
    '--project',
    `${import.meta.dirname}/tsconfig.json`,
    // Several threads check the same types again and again, and compute twice as much.
    '--singleThreaded',
  ]).catch(({ stdout }: { stdout: string }) => ({ stdout }));
  expect((await compile).stdout).toBe('');
});
