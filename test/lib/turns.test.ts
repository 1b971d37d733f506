import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTurns } from '../../src/lib/turns.ts';

function turnsOf(max: number) {
  const order: string[] = [];
  let running = 0;
  const takeTurn = createTurns(max, () => new Error('full'));
  const add = (client: string, name: string) =>
    takeTurn(client, async () => {
      expect(++running).toBe(1);
      await nextTurn();
      running--;
      order.push(name);
      if (name.endsWith('!')) throw new Error(name);
      return name;
    }).catch((error: Error) => `failed: ${error.message}`);
  return { order, add };
}

test('runs one task at a time, and clients have turns', async () => {
  const { order, add } = turnsOf(10);
  const tasks = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].map((name) => add(name.slice(0, 1), name));
  expect(await Promise.all(tasks)).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'b2']);
  expect(order).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
  expect(await add('a', 'a4')).toBe('a4');
});

test('a task that fails fails alone', async () => {
  const { add } = turnsOf(10);
  expect(await Promise.all([add('a', 'a1!'), add('a', 'a2')])).toEqual(['failed: a1!', 'a2']);
});

test('without a place, the client with the most tasks loses its latest', async () => {
  const { add } = turnsOf(3);
  const tasks = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1'].map((name) => add(name.slice(0, 1), name));
  expect(await Promise.all(tasks)).toEqual(['a1', 'a2', 'a3', 'failed: full', 'failed: full', 'b1']);
});
