import { expect, test } from 'vitest';
import { createByteBudget } from '../../../src/apis/gateway/byte-budget.ts';

const [ONE, OTHER] = [1, 2];

test('one client gets a quarter, with all that it holds, and the rest stays for others', () => {
  const reserve = createByteBudget(400);
  const first = reserve(ONE);
  expect(first.resize(60)).toBe(true);
  expect(reserve(ONE).resize(41)).toBe(false);
  expect(reserve(ONE).resize(40)).toBe(true);
  expect(first.resize(61)).toBe(false);
  expect(reserve(OTHER).resize(100)).toBe(true);
});

test('all clients together get the budget', () => {
  const reserve = createByteBudget(400);
  const all = [1, 2, 3, 4].map(reserve);
  expect(all.map((each) => each.resize(100))).toEqual([true, true, true, true]);
  expect(reserve(5).resize(1)).toBe(false);
  all[0]?.resize(90);
  expect(reserve(5).resize(11)).toBe(false);
  expect(reserve(5).resize(10)).toBe(true);
});

test('what is given back can be taken again', () => {
  const reserve = createByteBudget(400);
  const first = reserve(ONE);
  for (let round = 0; round < 10; round++) {
    expect(first.resize(100)).toBe(true);
    expect(first.resize(0)).toBe(true);
  }
});

test('a message of 32 MiB fits into the share of a client, also in pieces of a network packet', () => {
  const packet = 1_400;
  const withPieces = 32 * 1024 * 1024 * (1 + 512 / packet);
  expect(createByteBudget()(ONE).resize(withPieces)).toBe(true);
});
