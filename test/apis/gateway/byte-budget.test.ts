import { expect, test } from 'vitest';
import { budgetClientOf, createByteBudget } from '../../../src/apis/gateway/byte-budget.ts';
import { AccountId, KeyId } from '../../../src/lib/brand.ts';

const [ONE, OTHER] = ['key 1', 'key 2'] as const;
const MIB = 1024 * 1024;

test('one client gets a quarter, with all that it holds, and the rest stays for others', () => {
  const reserve = createByteBudget(400);
  const first = reserve(ONE);
  expect(first.resize(60)).toBe(true);
  expect(reserve(ONE).resize(41)).toBe(false);
  expect(reserve(ONE).resize(40)).toBe(true);
  expect(first.resize(61)).toBe(false);
  expect(reserve(OTHER).resize(100)).toBe(true);
});

test('after six greedy clients, a new one holds a body of 8 MiB', () => {
  const reserve = createByteBudget();
  const held = [1, 2, 3, 4, 5, 6].map((id) => {
    const greedy = reserve(`key ${id}`);
    let mib = 0;
    while (greedy.resize((mib + 1) * MIB)) mib++;
    return mib;
  });
  expect(held).toEqual([64, 64, 42, 28, 19, 13]);
  expect(reserve('key 7').resize(8 * MIB)).toBe(true);
});

test('what another client gives back makes place', () => {
  const reserve = createByteBudget(400);
  const all = ([1, 2, 3] as const).map((id) => reserve(`key ${id}`));
  expect(all.map((each) => each.resize(66))).toEqual([true, true, true]);
  const next = reserve('key 4');
  expect(next.resize(90)).toBe(false);
  all[0]?.resize(0);
  expect(next.resize(89)).toBe(true);
});

test('a client that has more than it would get now can still give back', () => {
  const reserve = createByteBudget(300, 300);
  const first = reserve(ONE);
  expect([first.resize(100), reserve(OTHER).resize(60)]).toEqual([true, true]);
  expect([first.resize(101), first.resize(99)]).toEqual([false, true]);
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
  const withPieces = 32 * MIB * (1 + 512 / packet);
  expect(createByteBudget()(ONE).resize(withPieces)).toBe(true);
});

test('the keys of an account are one client', () => {
  const account = { id: AccountId('7'), standing: 'member' } as const;
  const clients = [1, 2].map((id) => budgetClientOf({ account, rootId: KeyId(id) }));
  expect(clients).toEqual(['account 7', 'account 7']);
  expect(budgetClientOf({ account: null, rootId: KeyId(7) })).toBe('key 7');
  expect(budgetClientOf(undefined)).toBe('no key');
});
