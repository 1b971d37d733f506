import { spawnSync } from 'node:child_process';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { NAMES } from '../../src/cli/field-names.ts';
import { createProgram } from '../../src/cli/program.ts';
import { product } from '../../src/lib/product.ts';
import { BIN, keyhearth } from './command.ts';

test('--help: the commands and examples, on standard output', async () => {
  const { code, stdout, stderr } = await keyhearth(['--help']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^Usage: keyhearth /);
  expect(stdout).toContain('Examples:');
});

test('--version, and that of the service', async () => {
  const version = { code: 0, stdout: `${product.version}\n`, stderr: '' };
  expect(await keyhearth(['--version'])).toEqual(version);
  expect(await keyhearth(['serve', '--version'])).toEqual(version);
});

test('--help of a command has its options, an example, and the options of all commands', async () => {
  const { code, stdout } = await keyhearth(['keys', 'create', '--help']);
  expect(code).toBe(0);
  for (const text of ['--expires-in <duration>', '--json', 'Examples:']) expect(stdout).toContain(text);
});

test('each name for a field of the API is an option or an argument', () => {
  const stream = { write: () => undefined };
  const input = {
    isTerminal: false,
    readAll: async () => '',
    chunks: async function* () {},
    ask: async () => '',
  };
  const parts = { env: {}, input, onInterrupt: () => () => undefined, stdout: stream, stderr: stream };
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
  const commands = all(createProgram(parts));
  const names = commands.flatMap(({ options, registeredArguments }) => [
    ...options.map(({ long }) => long),
    ...registeredArguments.map((argument) => `The argument <${argument.name()}>`),
  ]);
  expect(names).toEqual(expect.arrayContaining(Object.values(NAMES)));
});

test('a reader that has seen enough is no error', () => {
  const command = 'set -o pipefail; "$0" "$1" completion bash | true; echo "$?"';
  const { stdout, stderr } = spawnSync('bash', ['-c', command, process.execPath, BIN], { encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: '0\n', stderr: '' });
});

test('a full disk is an error, in a sentence', () => {
  const command = '"$0" "$1" completion bash > /dev/full';
  const { status, stderr } = spawnSync('bash', ['-c', command, process.execPath, BIN], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    ...{ status: 1, stderr: 'keyhearth: Standard output cannot be written (ENOSPC).\n' },
  });
});

describe('a mistake in the arguments ends with code 2', () => {
  test('an unknown command, in a sentence', async () => {
    const { code, stdout, stderr } = await keyhearth(['kyes\u001b[31m']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe("keyhearth: unknown command 'kyes\\u001b[31m'\nSee keyhearth --help.\n");
  });

  test.each([[['--key', 'geheim']], [['--key=geheim']], [['--api-key=geheim']]])(
    'a key as an argument: %j',
    async (args) => {
      const { code, stdout, stderr } = await keyhearth(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^keyhearth: A key is never an argument[^\n]+KEYHEARTH_KEY/);
      expect(stderr).not.toContain('geheim');
    },
  );

  test.each([[['keys', 'show', 'geheim']], [['keys', 'list', '--limit', 'geheim']]])(
    'a wrong value, which is not repeated: %j',
    async (args) => {
      const { code, stderr } = await keyhearth(args);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^keyhearth: (?:argument 'id'|option '--limit <count>' argument) is invalid/);
      expect(stderr).toContain(`See keyhearth keys ${args[1]} --help.`);
      expect(stderr).not.toContain('geheim');
    },
  );

  test('more arguments than the command takes, which are not repeated', async () => {
    const { code, stderr } = await keyhearth(['profiles', 'set', 'default', 'geheim']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^keyhearth: too many arguments for 'set'\. Expected 1 argument but got 2\.\n/);
    expect(stderr).not.toContain('geheim');
  });

  test('an unknown short option, without what follows it', async () => {
    const { code, stderr } = await keyhearth(['-kgeheim']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "keyhearth: unknown option '-k'\nSee keyhearth --help.\n",
    });
  });

  test('an unknown option, without its value', async () => {
    const { code, stderr } = await keyhearth(['--secret=geheim']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^keyhearth: unknown option '--secret'\n/);
    expect(stderr).not.toContain('geheim');
  });
});
