import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/lib/logger.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';

const LOGGING_PROCESS = join(import.meta.dirname, 'logging-process.ts');

function collect() {
  const written: string[] = [];
  const logger = createLogger('info', { write: (lines) => void written.push(lines) });
  const entries = () => written.map((line) => JSON.parse(line));
  return { logger, written, entries };
}

const textOfAtMost = (maxLength: number) => {
  const long = (character: string) => fc.nat({ max: maxLength }).map((length) => character.repeat(length));
  return fc.oneof(fc.string({ unit: 'grapheme' }), long('é'), long('家'));
};

describe('a logger', () => {
  test('hands on each line at once, whole, however long it is and whatever is in it', () => {
    fc.assert(
      fc.property(fc.array(textOfAtMost(200_000), { minLength: 1, maxLength: 20 }), (texts) => {
        const { logger, written, entries } = collect();
        for (const [i, text] of texts.entries()) {
          logger.info(text);
          expect(written).toHaveLength(i + 1);
        }
        expect(written.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
        expect(entries().map(({ level, msg }) => [level, msg])).toEqual(texts.map((text) => ['info', text]));
      }),
      { numRuns: 50 },
    );
  });

  test('gives each line its own time', async () => {
    const { logger, entries } = collect();
    const before = Date.now();
    for (let i = 0; i < 3; i++) {
      logger.info('tick');
      await sleep(5);
    }
    const times = entries().map(({ time }) => Date.parse(time));
    expect(new Set(times).size).toBe(3);
    expect(times).toEqual(times.toSorted());
    expect(Math.min(...times)).toBeGreaterThanOrEqual(before);
    expect(Math.max(...times)).toBeLessThanOrEqual(Date.now());
  });
});

/** What a process writes that logs the texts, flushes and ends. Its reader is a command of the shell. */
async function outputOf(texts: string[], reader: string) {
  const file = join(temporaryDirectory(), 'texts.json');
  writeFileSync(file, JSON.stringify(texts));
  // A pipe between the two, since Node itself would read from the process at once.
  const pipeline = `"$0" "$1" "$2" | { ${reader}; }`;
  const { stdout, stderr } = await promisify(execFile)(
    'sh',
    ['-c', pipeline, process.execPath, LOGGING_PROCESS, file],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  expect(stderr).toBe('');
  expect(stdout.endsWith('}\n')).toBe(true);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).msg);
}

const severalPipesFull = () => Array.from({ length: 2_000 }, (_, i) => `${i} ${'x'.repeat(200)}`);

test('standard output carries all lines to a reader that needs more than a second for them', async () => {
  const texts = severalPipesFull();
  const slowly = 'for i in 1 2 3; do head -c 130000; sleep 0.6; done; cat';
  expect(await outputOf(texts, slowly)).toEqual(texts);
});

describe.each([
  ['reads at once', 'cat'],
  ['begins to read after 300 ms', 'sleep 0.3; cat'],
])('standard output, with a reader that %s,', (_, reader) => {
  test('carries all lines, whole and in their order, at a flush', async () => {
    const texts = severalPipesFull();
    expect(await outputOf(texts, reader)).toEqual(texts);
  });

  test.each([1, 3, 40])('carries %i lines that are less than one write', async (count) => {
    const texts = Array.from({ length: count }, (_, i) => `line ${i}`);
    expect(await outputOf(texts, reader)).toEqual(texts);
  });

  test('carries lines of any length, with anything in them', async () => {
    const texts = fc.sample(textOfAtMost(10_000), 30);
    expect(await outputOf(texts, reader)).toEqual(texts);
  });
});
