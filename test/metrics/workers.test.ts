import { expect, test } from 'vitest';
import { placeOf } from '../../src/metrics/layout.ts';
import { allocateMetrics, releaseMetrics, sumNumbers, takeNumbers } from '../../src/metrics/memory.ts';

const valid = placeOf('verifications', 'VALID');
const waiting = placeOf('bcrypt', 'waiting');

test('the numbers of a worker outlive it, but not what it had to do', () => {
  const memory = allocateMetrics(2);
  const first = takeNumbers(memory, 11);
  const second = takeNumbers(memory, 12);
  first[valid] = 5;
  first[waiting] = 3;
  second[valid] = 7;
  second[waiting] = 1;
  releaseMetrics(memory, 11);
  const third = takeNumbers(memory, 13);
  third[valid] = (third[valid] ?? 0) + 1;
  const sums = sumNumbers(memory);
  expect([sums[valid], sums[waiting]]).toEqual([13, 1]);
});
