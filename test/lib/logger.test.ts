import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLogger } from '../../src/lib/logger.ts';

function collect() {
  const written: string[] = [];
  const { logger, flush } = createLogger('info', {
    write: (lines) => void written.push(lines),
    flush: async () => undefined,
  });
  const entries = () =>
    written
      .join('')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  return { logger, flush, written, entries };
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.nat({ max: 200_000 }).map((length) => 'é'.repeat(length)),
  fc.nat({ max: 200_000 }).map((length) => '家'.repeat(length)),
);

test('lines come whole and in their order, however long they are and whatever is in them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 20 }), async (texts) => {
      const { logger, flush, entries } = collect();
      for (const each of texts) logger.info(each);
      await flush();
      expect(entries().map(({ msg }) => msg)).toEqual(texts);
    }),
    { numRuns: 50 },
  );
});

test('many lines are handed on together', async () => {
  const { logger, flush, written, entries } = collect();
  for (let i = 0; i < 5_000; i++) logger.info(`line ${i}`);
  await flush();
  expect(entries()).toHaveLength(5_000);
  expect(written.length).toBeLessThan(20);
});

test('each line has its own time', async () => {
  const { logger, flush, entries } = collect();
  const before = Date.now();
  for (let i = 0; i < 3; i++) {
    logger.info('tick');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await flush();
  const times = entries().map(({ time }) => Date.parse(time));
  expect(new Set(times).size).toBe(3);
  expect(times).toEqual(times.toSorted());
  expect(Math.min(...times)).toBeGreaterThanOrEqual(before);
  expect(Math.max(...times)).toBeLessThanOrEqual(Date.now());
});
