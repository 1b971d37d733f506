import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createLockout, type LockoutPolicy } from '../../src/lockout/lockout.ts';
import { allocateLockout, releaseLockout } from '../../src/lockout/memory.ts';
import { openSharedTable } from '../../src/lockout/shared-table.ts';

const policy: LockoutPolicy = { attempts: 5, seconds: 300, by: 'address' };

const guess = (address: string) => ({ address, credential: 'a guess' });

test.each(['address', 'address+key'] as const)(
  'however many threads guess at once, each address learns the results of exactly five guesses: %s',
  async (by) => {
    const policy = { attempts: 5, seconds: 300, by };
    const addresses = 50;
    for (let round = 0; round < 5; round++) {
      const memory = allocateLockout(policy);
      const workerData = { policy, memory, addresses, guesses: 20_000 };
      const threads = Array.from(
        { length: 4 },
        () => new Worker(new URL('./guesser.ts', import.meta.url), { workerData }),
      );
      await Promise.all(threads.map((thread) => once(thread, 'message')));
      const answers = threads.map((thread) => once(thread, 'message'));
      for (const thread of threads) thread.postMessage('go');
      const learned = (await Promise.all(answers)).map(([counts]) => counts as number[]);
      await Promise.all(threads.map((thread) => thread.terminate()));
      const sums = Array.from({ length: addresses }, (_, address) =>
        learned.reduce((sum, counts) => sum + (counts[address] ?? 0), 0),
      );
      expect(sums).toEqual(new Array(addresses).fill(5));
      const lockout = createLockout(policy, systemClock, memory);
      expect(lockout.retryAfter('198.51.100.7')).toBeGreaterThan(290);
    }
  },
);

test('a good key in one thread clears what another counted', () => {
  const memory = allocateLockout(policy);
  const [one, other] = [
    createLockout(policy, systemClock, memory),
    createLockout(policy, systemClock, memory),
  ];
  for (let i = 0; i < 4; i++) one.record(guess('a'), 'invalid');
  expect(other.remaining('a')).toBe(1);
  other.record(guess('a'), 'valid');
  expect(one.remaining('a')).toBe(5);
});

test('a thread that dies while it holds the table does not hold it for ever', () => {
  const memory = allocateLockout(policy);
  const header = new Int32Array(memory.table.buffer);
  header[0] = 78;
  releaseLockout(memory, 76);
  expect(header[0]).toBe(78);
  releaseLockout(memory, 77);
  expect(openSharedTable(memory.table).exclusively(() => 'mine')).toBe('mine');
});

test('an address is never mistaken for one that shares its places', () => {
  const lockout = createLockout(policy, systemClock, allocateLockout(policy, 64));
  for (let i = 0; i < 60; i++) {
    for (let failure = 0; failure < i % 5; failure++)
      lockout.record(guess(`2001:db8:0:${i}::/64`), 'invalid');
  }
  for (let i = 50; i < 60; i++) expect(lockout.remaining(`2001:db8:0:${i}::/64`)).toBe(5 - (i % 5));
  expect(() => lockout.record(guess('x'.repeat(25)), 'invalid')).toThrow(RangeError);
});
