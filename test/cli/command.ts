import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { run } from '../../src/cli/program.ts';
import { COMPILED } from '../support/compiled.ts';

export const BIN = join(import.meta.dirname, '../../bin/keyhearth.js');

export type Ended = { code: number; stdout: string; stderr: string };

type Given = {
  env?: Record<string, string>;
  input?: string;
  /** Why standard output cannot be written. */
  broken?: Error;
};

const variables = (env: Record<string, string>) => ({
  PATH: process.env.PATH ?? '',
  HOME: '/nonexistent',
  ...env,
});

/** Runs a command in this process, with these variables alone. A start of Node takes longer than most commands. */
export async function keyhearth(
  args: readonly string[],
  { env = {}, input = '', broken }: Given = {},
): Promise<Ended> {
  const ended = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof ended) => ({
    write(written: string, done?: (error?: Error) => void) {
      if (name === 'stdout' && broken) return done?.(broken);
      ended[name] += written;
      done?.();
    },
  });
  const code = await run(args, {
    env: variables(env),
    input: {
      isTerminal: false,
      readAll: async () => input,
      async *chunks() {
        yield Buffer.from(input);
      },
      ask: async () => '',
    },
    onInterrupt: () => () => undefined,
    stdout: stream('stdout'),
    stderr: stream('stderr'),
  });
  return { code, ...ended };
}

/** The same, as a process of its own. */
export async function keyhearthProcess(
  args: readonly string[],
  { env = {}, input }: Given = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [BIN, ...args], { env: { ...variables(env), ...COMPILED } });
  // A command that reads no input may be gone before this is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await once(child, 'close');
  const [stdout, stderr] = await output;
  return { code, stdout, stderr };
}

export const NOBODY = 65_534;
const USER = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];

/** Whether a command can run as another user. */
export const canBeNobody = spawnSync('setpriv', [...USER, 'true']).status === 0;

/** Runs a command on a data directory as another user. */
export const keyhearthAsNobody = (dataDir: string, ...command: readonly string[]) =>
  spawnSync('setpriv', [...USER, process.execPath, BIN, ...command], {
    encoding: 'utf8',
    env: { KEYHEARTH_DATA_DIR: dataDir },
  });
