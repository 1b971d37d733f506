import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Runs each block that arrives on standard input. Variables last from block to block, as in a reader's shell. */
const LOOP = `
set -euo pipefail
npm() {
  if [ "$*" = start ]; then env -0 > .npm-start; else command npm "$@"; fi
}
keyhearth() { "$NODE_PROGRAM" "$COMMAND_FILE" "$@"; }
while IFS= read -r -d '' block; do
  eval "$block" < /dev/null
  printf '\\0'
done
`;

/** What the function `keyhearth` of the shell runs. */
const COMMAND = {
  NODE_PROGRAM: process.execPath,
  COMMAND_FILE: join(import.meta.dirname, '../../bin/keyhearth.js'),
};

/** A shell in a directory. `npm start` starts nothing there: it saves its environment, for the test to start a service. */
export function openShell(directory: string, variables: Record<string, string>) {
  const child = spawn('bash', ['-c', LOOP], {
    cwd: directory,
    env: { PATH: `${process.env.PATH}:/usr/sbin`, HOME: directory, ...COMMAND, ...variables },
  });
  const ended = once(child, 'close');
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });

  return {
    /** What the commands print. Fails when one of them fails. */
    async run(commands: string): Promise<string> {
      child.stdin.write(`${commands}\0`);
      while (!stdout.includes('\0')) {
        const isOver = await Promise.race([once(child.stdout, 'data'), ended.then(() => 'over')]);
        if (isOver === 'over') throw new Error(`a command failed: ${commands}\n${stderr}`);
      }
      const [printed = '', ...rest] = stdout.split('\0');
      stdout = rest.join('\0');
      return printed;
    },
    /** The settings of the last `npm start`; undefined if there was none. */
    takeStart(): Record<string, string> | undefined {
      const file = join(directory, '.npm-start');
      if (!existsSync(file)) return undefined;
      const lines = readFileSync(file, 'utf8').split('\0');
      rmSync(file);
      const settings = lines.filter((line) => /^(KEYHEARTH_\w+|DATABASE_URL|HOST|PORT)=/.test(line));
      return Object.fromEntries(settings.map((line) => line.split(/=(.*)/s).slice(0, 2)));
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
