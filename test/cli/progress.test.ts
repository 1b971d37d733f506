import { expect, test } from 'vitest';
import { createOutput } from '../../src/cli/output.ts';

/** What a terminal shows after all that was written to it, where only CR moves the cursor back. */
function shownAfter(written: string): string[] {
  const lines = written.split('\n').map((line) => {
    let shown = '';
    for (const part of line.split('\r')) shown = part + shown.slice(part.length);
    return shown.trimEnd();
  });
  return lines;
}

const onInterrupt = () => () => undefined;

function terminal(env: Record<string, string> = {}, { isTTY = true, isJson = false, columns = 80 } = {}) {
  let written = '';
  const stderr = { isTTY, columns, write: (text: string) => (written += text) };
  const output = createOutput({ stdout: stderr, stderr, env, onInterrupt }, () => isJson);
  return { ...output, written: () => written };
}

test('one line shows how far the work is, and is gone at the end', async () => {
  const { withProgress, note, written } = terminal({ NO_COLOR: '1' });
  const seen: string[] = [];
  const see = () => seen.push(shownAfter(written()).at(-1) ?? '');
  const result = await withProgress(async (report) => {
    report('Copying the keys', 0, 200);
    see();
    report('Copying the keys', 151, 200);
    see();
    report('Checking');
    see();
    report('Nothing', 0, 0);
    see();
    return 'done';
  }, 'Interrupted.');
  note('All is well.');
  expect(result).toBe('done');
  expect(seen).toEqual([
    'Copying the keys [--------------------]   0 %',
    'Copying the keys [###############-----]  75 %',
    'Checking ...',
    'Nothing [####################] 100 %',
  ]);
  expect(shownAfter(written())).toEqual(['All is well.', '']);
  expect(written()).not.toContain('\u001b');
});

test('an error, or a sentence in between, has a line of its own', async () => {
  const { withProgress, note, written } = terminal();
  const work = withProgress(async (report) => {
    report('Reading the file', 1, 2);
    note('Line 7 has no key.');
    report('Reading the file', 2, 2);
    throw new Error('the disk is full');
  }, 'Interrupted.');
  await expect(work).rejects.toThrow('the disk is full');
  expect(shownAfter(written())).toEqual(['Line 7 has no key.', '']);
});

test('a hundred thousand reports write a hundred times, and a narrow terminal has one line', async () => {
  let writes = 0;
  const stderr = {
    isTTY: true,
    columns: 20,
    write: (text: string) => (writes += text.length > 21 ? 1e6 : 1),
  };
  const output = createOutput({ stdout: stderr, stderr, env: {}, onInterrupt }, () => false);
  await output.withProgress(async (report) => {
    for (let row = 0; row <= 100_000; row += 1) report('', row, 100_000);
  }, 'Interrupted.');
  expect(writes).toBeLessThan(110);
});

test.each<[string, Parameters<typeof terminal>]>([
  ['a pipe', [{}, { isTTY: false }]],
  ['--json', [{}, { isJson: true }]],
  ['a terminal without abilities', [{ TERM: 'dumb' }]],
])('with %s, nothing is written', async (_, settings) => {
  const { withProgress, written } = terminal(...settings);
  await withProgress(async (report) => report('Copying', 1, 2), 'Interrupted.');
  expect(written()).toBe('');
});

test('at Ctrl-C, long work says how to go on, and other work does not', async () => {
  const listeners = new Set<() => void>();
  const lines: string[] = [];
  const stderr = { write: (text: string) => lines.push(text) };
  const output = createOutput(
    {
      ...{ stdout: stderr, stderr, env: {} },
      onInterrupt(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    () => false,
  );
  await output.withProgress(async () => {
    for (const listener of listeners) listener();
  }, 'Interrupted. Run it again.');
  expect(lines).toEqual(['Interrupted. Run it again.\n']);
  expect(listeners.size).toBe(0);
});
