import { describe, expect, test } from 'vitest';
import { confirm } from '../../src/cli/confirm.ts';
import type { Context, Request } from '../../src/cli/context.ts';
import { createOutput } from '../../src/cli/output.ts';
import { readPages } from '../../src/cli/pages.ts';

/** What a command works with, with a person at a terminal, and a service that has the entries 1 to 5 on pages of two. */
function desk(answer = '') {
  const questions: string[] = [];
  const notes: string[] = [];
  const queries: Request['query'][] = [];
  const stderr = { write: (text: string) => notes.push(text) };
  const context: Context = {
    env: {},
    input: {
      isTerminal: true,
      readAll: async () => '',
      chunks: async function* () {},
      async ask(question) {
        questions.push(question);
        return answer;
      },
    },
    output: createOutput(
      { stdout: stderr, stderr, env: {}, onInterrupt: () => () => undefined },
      () => false,
    ),
    options: () => ({}),
    async request<Data>({ query }: Request) {
      queries.push(query);
      const start = Number(query?.cursor ?? 0);
      const end = start + Math.min(2, Number(query?.limit));
      const page = { keys: [1, 2, 3, 4, 5].slice(start, end), ...(end < 5 && { next_cursor: `${end}` }) };
      return page as Data;
    },
  };
  return { context, questions, notes, queries };
}

describe('before a deletion', () => {
  test.each(['y', 'yes', ' Y '])('the answer %j goes on', async (answer) => {
    const { context, questions } = desk(answer);
    await confirm(context, 'Delete the key 2?', undefined);
    expect(questions).toEqual(['Delete the key 2? [y/N] ']);
  });

  test.each(['', 'n', 'no', 'yesterday'])('the answer %j changes nothing', async (answer) => {
    await expect(confirm(desk(answer).context, 'Delete?', undefined)).rejects.toMatchObject({ exitCode: 1 });
  });

  test('Ctrl-C changes nothing, and has an exit code of its own', async () => {
    const { context } = desk();
    const input = { ...context.input, ask: async () => undefined };
    await expect(confirm({ ...context, input }, 'Delete?', undefined)).rejects.toMatchObject({
      exitCode: 130,
      message: 'Interrupted. Nothing was changed.',
    });
  });

  test('a name in the question does not command the terminal', async () => {
    const { context, questions } = desk('y');
    await confirm(context, 'Delete a\u001b]0;title\u0007?', undefined);
    expect(questions).toEqual(['Delete a\\u001b]0;title\\u0007? [y/N] ']);
  });

  test('--yes asks nobody', async () => {
    const { context, questions } = desk('n');
    await confirm(context, 'Delete?', true);
    expect(questions).toEqual([]);
  });
});

describe('a list of several pages', () => {
  test.each<[string, { limit: number; all?: boolean }, number[], string[]]>([
    [
      'ends at its limit',
      { limit: 3 },
      [1, 2, 3],
      ['There are more keys than these 3; use --all or --limit.\n'],
    ],
    ['has all entries below its limit', { limit: 100 }, [1, 2, 3, 4, 5], []],
    ['has all entries with --all', { limit: 1, all: true }, [1, 2, 3, 4, 5], []],
  ])('%s', async (_, options, expected, said) => {
    const { context, notes, queries } = desk();
    expect(await readPages(context, 'keys', { label: 'a' }, 'auth/keys', options)).toEqual(expected);
    expect(notes).toEqual(said);
    expect(queries.every((query) => query?.label === 'a')).toBe(true);
  });
});
