import { spawnSync } from 'node:child_process';
import { beforeAll, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { keyhearth } from './command.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const scripts = new Map<Shell, string>();
beforeAll(async () => {
  for (const shell of SHELLS) {
    const { code, stdout } = await keyhearth(['completion', shell]);
    expect(code).toBe(0);
    scripts.set(shell, stdout);
  }
});

/** Prints what the shell offers for the last of the words, one on each line. */
const programIn: Record<Shell, (script: string) => string> = {
  bash: (script) =>
    `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _keyhearth; printf "%s\\n" "\${COMPREPLY[@]}"`,
  // Only the line editor of zsh has _describe. This one prints the array that it gets.
  zsh: (script) =>
    `compdef() { }; _describe() { print -rl -- "\${(@P)3%%:*}" }\n${script}\nwords=("$@"); CURRENT=$#; _keyhearth`,
  fish: (script) => `${script}\ncomplete -C "$argv" | string replace -r "\\t.*" ""`,
};

function offered(shell: Shell, ...words: string[]): string[] {
  const flags = shell === 'fish' ? ['--no-config'] : shell === 'zsh' ? ['-f'] : ['--norc'];
  const names = shell === 'fish' ? [] : [shell];
  const { stdout, stderr } = spawnSync(
    shell,
    [...flags, '-c', programIn[shell](scripts.get(shell) ?? ''), ...names, ...words],
    {
      encoding: 'utf8',
    },
  );
  expect(stderr).toBe('');
  const last = words.at(-1) ?? '';
  return stdout
    .trim()
    .split('\n')
    .filter((word) => word.startsWith(last))
    .sort();
}

const isMissing = (shell: Shell) => spawnSync(shell, ['--version']).error !== undefined;

for (const shell of SHELLS) {
  test.skipIf(isMissing(shell))(
    `${shell} completes commands and options (skipped where it is missing)`,
    () => {
      const input = {
        isTerminal: false,
        readAll: async () => '',
        chunks: async function* () {},
        ask: async () => '',
      };
      const stream = { write: () => undefined };
      const { commands } = createProgram({
        env: {},
        input,
        onInterrupt: () => () => undefined,
        stdout: stream,
        stderr: stream,
      });
      expect(offered(shell, 'keyhearth', '')).toEqual(
        expect.arrayContaining(commands.map((command) => command.name())),
      );
      expect(offered(shell, 'keyhearth', 'keys', 'de')).toEqual(['deactivate', 'delete']);
      expect(offered(shell, 'keyhearth', '--json', 'keys', 'rotate', '2', '--g')).toEqual(['--grace']);
      expect(offered(shell, 'keyhearth', 'lockouts', '')).toEqual(expect.arrayContaining(['clear', 'list']));
      expect(offered(shell, 'keyhearth', 'lockouts', '')).not.toContain('create');
      expect(offered(shell, 'keyhearth', 'completion', '')).toEqual(expect.arrayContaining([...SHELLS]));
      expect(offered(shell, 'keyhearth', 'audit', '--action', 'key.c')).toEqual(['key.created']);
      expect(offered(shell, 'keyhearth', 'audit', '--action', '')).not.toContain('--actor');
      expect(offered(shell, 'keyhearth', 'audit', '--actor', '')).not.toContain('--action');
    },
  );
}

test('an unknown shell is a mistake', async () => {
  expect(await keyhearth(['completion', 'tcsh'])).toMatchObject({ code: 2, stdout: '' });
});
