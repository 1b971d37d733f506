import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { COMPILED } from '../support/compiled.ts';

export const BIN = join(import.meta.dirname, '../../bin/keyhearth.js');

export type Ended = { code: number; stdout: string; stderr: string };

/** Runs `keyhearth` as a process of its own, with these variables alone. */
export async function keyhearth(
  args: readonly string[],
  { env = {}, input }: { env?: Record<string, string>; input?: string } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...COMPILED, ...env },
  });
  // A command that reads no input may be gone before this is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await once(child, 'close');
  const [stdout, stderr] = await output;
  return { code, stdout, stderr };
}
