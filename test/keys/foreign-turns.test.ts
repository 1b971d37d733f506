import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createForeignTurns } from '../../src/keys/foreign-turns.ts';
import { DomainError } from '../../src/lib/failure.ts';
import { fakeClock } from '../support/fake-clock.ts';

/** Each step compares so many hashes. */
const HASHES = 4;

/** Proofs whose steps end after a turn of the event loop, and the order in which the steps began. */
function turnsOf(threads = 1) {
  const { clock, pass } = fakeClock();
  const inTurns = createForeignTurns(threads, clock);
  const order: string[] = [];
  let running = 0;
  let most = 0;
  const prove = (client: string, name = client, steps = 3, found?: string, isWanted = () => true) =>
    inTurns(client, steps * HASHES, isWanted, async (takeTurn) => {
      for (let i = 0; i < steps; i++)
        await takeTurn(HASHES, async () => {
          order.push(name);
          most = Math.max(most, ++running);
          await nextTurn();
          running--;
        });
      return found;
    }).then(
      (result) => result ?? 'refused',
      (error) => (error instanceof DomainError ? error.failure.code : 'failed'),
    );
  /** The steps since the last call. */
  const steps = () => order.splice(0).join(' ');
  return { prove, steps, pass, most: () => most };
}

test('clients have turns after each step', async () => {
  const { prove, steps, most } = turnsOf();
  expect(await Promise.all([prove('a'), prove('b'), prove('c', 'c', 1)])).toEqual(
    new Array(3).fill('refused'),
  );
  expect(steps()).toBe('a b c a b a b');
  expect(most()).toBe(1);
});

test('there are never more steps at once than threads, and all threads have work', async () => {
  const { prove, most } = turnsOf(2);
  await Promise.all(['a', 'b', 'c', 'd'].map((client) => prove(client)));
  expect(most()).toBe(2);
});

test('a client has one proof at a time', async () => {
  const { prove, steps, most } = turnsOf(2);
  await Promise.all([prove('a', 'a1'), prove('a', 'a2', 1), prove('a', 'a3', 1)]);
  expect(steps()).toBe('a1 a1 a1 a2 a3');
  expect(most()).toBe(1);
});

test('a client that has spent nothing waits for none that has, for an hour', async () => {
  const { prove, steps, pass } = turnsOf();
  const attackers = Array.from({ length: 30 }, (_, i) => `attacker ${i}`);
  await Promise.all(attackers.map((client) => prove(client)));
  steps();
  const attack = () => attackers.map((client) => prove(client, 'x', 1));
  await Promise.all([...attack(), prove('client', 'c')]);
  // One step runs already.
  expect(steps()).toMatch(/^x c c c x/);
  pass(3_601);
  await Promise.all([...attack(), prove('other', 'o')]);
  expect(steps()).toMatch(/^(x ){30}o o o$/);
});

test('a client that comes later catches up with those that are in the middle of a proof', async () => {
  const { prove, steps } = turnsOf();
  const first = ['a', 'b'].map((client) => prove(client, client, 4));
  while (steps().length === 0) await nextTurn();
  await Promise.all([...first, prove('c', 'c', 3)]);
  expect(steps()).toMatch(/^b c a b c /);
});

test('a proof that finds something costs nothing', async () => {
  const { prove, steps } = turnsOf();
  expect(await prove('a', 'a', 3, 'a key')).toBe('a key');
  await prove('b');
  steps();
  await Promise.all([prove('x', 'x', 1), prove('b'), prove('a')]);
  expect(steps()).toBe('x a a a b b b');
});

test('without a place, a proof is refused', async () => {
  const { prove, steps } = turnsOf();
  const proofs = Array.from({ length: 33 }, (_, i) => prove(`client ${i}`, 'x', 1));
  expect(await Promise.all(proofs)).toEqual([...new Array(32).fill('refused'), 'overloaded']);
  expect(steps().split(' ')).toHaveLength(32);
});

test('a client takes the place of one that has asked for more', async () => {
  const { prove } = turnsOf();
  const many = Array.from({ length: 32 }, () => prove('many', 'many', 1));
  expect(await prove('one', 'one', 1)).toBe('refused');
  expect(await Promise.all(many)).toEqual([...new Array(31).fill('refused'), 'overloaded']);
});

test('a client takes the place of one that has spent more, even in the middle of its proof', async () => {
  const { prove, steps } = turnsOf();
  await prove('spender');
  steps();
  const running = prove('spender', 'spender', 5);
  const others = Array.from({ length: 31 }, (_, i) => prove(`client ${i}`, 'x', 1));
  const late = prove('late', 'late', 1);
  expect(await running).toBe('overloaded');
  expect(await late).toBe('refused');
  expect(await Promise.all(others)).toEqual(new Array(31).fill('refused'));
  expect(steps().match(/spender/g)).toHaveLength(1);
});

/** A proof whose client can leave. */
function abandoned(prove: ReturnType<typeof turnsOf>['prove'], client: string) {
  let isThere = true;
  const leave = () => {
    isThere = false;
  };
  return { proof: prove(client, 'gone', 3, undefined, () => isThere), leave };
}

test('a proof that nobody waits for comes after all others, also those of its client', async () => {
  const { prove, steps } = turnsOf();
  await prove('spender', 'b', 5);
  steps();
  const { proof, leave } = abandoned(prove, 'a');
  leave();
  await Promise.all([proof, prove('a', 'back', 2), prove('spender', 'b', 2)]);
  expect(steps()).toBe('gone back back b b gone gone');
});

test('a proof that nobody waits for is the first one to lose its place', async () => {
  const { prove } = turnsOf();
  const { proof, leave } = abandoned(prove, 'gone');
  const others = Array.from({ length: 31 }, (_, i) => prove(`client ${i}`, 'x', 1));
  leave();
  expect(await prove('client 0', 'x', 9)).toBe('refused');
  expect(await proof).toBe('overloaded');
  expect(await Promise.all(others)).toEqual(new Array(31).fill('refused'));
});

test('a step that fails ends its proof alone', async () => {
  const { clock } = fakeClock();
  const inTurns = createForeignTurns(1, clock);
  const isWanted = () => true;
  const failing = inTurns('a', 4, isWanted, (takeTurn) =>
    takeTurn(4, () => Promise.reject(new Error('no thread'))),
  );
  const other = inTurns('b', 4, isWanted, (takeTurn) => takeTurn(4, async () => 'found'));
  await expect(failing).rejects.toThrow('no thread');
  expect(await other).toBe('found');
});
