import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFairQueue } from '../../src/lib/fair-queue.ts';

type Client = string | undefined;

function queueOf(max: number, pushed: readonly (readonly [Client, string])[]) {
  const queue = createFairQueue<string>(max);
  const refused = pushed.flatMap(([client, item]) => queue.push(client, item) ?? []);
  return { queue, refused };
}

function drain(queue: ReturnType<typeof createFairQueue<string>>): string[] {
  const items: string[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item);
  return items;
}

describe('a queue that is not full', () => {
  test('serves its clients in turn, and each in order', () => {
    const { queue, refused } = queueOf(10, [
      ['a', 'a1'],
      ['a', 'a2'],
      ['a', 'a3'],
      ['b', 'b1'],
      [undefined, 'u1'],
      ['b', 'b2'],
    ]);
    expect(drain(queue)).toEqual(['a1', 'b1', 'u1', 'a2', 'b2', 'a3']);
    expect(refused).toEqual([]);
  });

  test('lets a client that was just served wait for the others', () => {
    const { queue } = queueOf(10, [['a', 'a1']]);
    queue.push('b', 'b1');
    expect(queue.shift()).toBe('a1');
    queue.push('a', 'a2');
    expect(drain(queue)).toEqual(['b1', 'a2']);
  });
});

describe('a full queue', () => {
  test('refuses a client when no other client has more items', () => {
    expect(
      queueOf(2, [
        ['a', 'a1'],
        ['b', 'b1'],
        ['c', 'c1'],
      ]).refused,
    ).toEqual(['c1']);
    expect(
      queueOf(2, [
        ['a', 'a1'],
        ['a', 'a2'],
        ['a', 'a3'],
      ]).refused,
    ).toEqual(['a3']);
  });

  test('gives a client the place of the latest item of the one with the most', () => {
    const { queue, refused } = queueOf(3, [
      ['a', 'a1'],
      ['a', 'a2'],
      ['a', 'a3'],
      ['b', 'b1'],
      ['b', 'b2'],
    ]);
    expect(refused).toEqual(['a3', 'b2']);
    expect(drain(queue)).toEqual(['a1', 'b1', 'a2']);
  });

  test('loses nothing, and no client has two items more than one that was refused', () => {
    const pushes = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', undefined), fc.nat()), { maxLength: 60 });
    fc.assert(
      fc.property(pushes, fc.integer({ min: 1, max: 12 }), (clients, max) => {
        const pushed = clients.map(([client], i) => [client, `${client}:${i}`] as const);
        const { queue, refused } = queueOf(max, pushed);
        const kept = drain(queue);
        expect([...kept, ...refused].sort()).toEqual(pushed.map(([, item]) => item).sort());
        expect(kept).toHaveLength(Math.min(max, pushed.length));
        const countOf = (client: string) => kept.filter((item) => item.startsWith(`${client}:`)).length;
        for (const item of refused) {
          const [client = ''] = item.split(':');
          for (const other of ['a', 'b', 'c', 'undefined'])
            expect(countOf(other)).toBeLessThanOrEqual(countOf(client) + 1);
        }
      }),
    );
  });
});
