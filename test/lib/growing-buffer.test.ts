import { expect, test } from 'vitest';
import { createGrowingBuffer } from '../../src/lib/growing-buffer.ts';

test('a million pieces of one byte are in one buffer of at most twice the size', () => {
  const capacities: number[] = [];
  const { add, bytes } = createGrowingBuffer(1_500_000, (capacity) => capacities.push(capacity));
  const piece = Buffer.from('a');
  add(Buffer.from('b'));
  for (let i = 0; i < 1_000_000; i++) add(piece);
  // The pieces are copied.
  piece.fill('c');
  expect(bytes().equals(Buffer.from(`b${'a'.repeat(1_000_000)}`))).toBe(true);
  expect(bytes().buffer.byteLength).toBe(capacities.at(-1));
  expect(Math.max(...capacities)).toBeLessThanOrEqual(1_500_000);
  expect(capacities.length).toBeLessThan(15);
});

test('a single piece is not copied, and nothing is an empty buffer', () => {
  const { add, bytes } = createGrowingBuffer(10);
  expect(bytes().length).toBe(0);
  const piece = Buffer.from('abc');
  add(piece);
  expect(bytes().buffer).toBe(piece.buffer);
  expect(bytes().toString()).toBe('abc');
});
