import { parentPort, threadId, workerData } from 'node:worker_threads';
import { systemClock } from '../../src/lib/clock.ts';
import { createLockout, type LockoutPolicy } from '../../src/lockout/lockout.ts';
import type { LockoutMemory } from '../../src/lockout/memory.ts';

/** A thread that guesses wrong as fast as it can, at many addresses, and reports how many results it learned of each. */

const { policy, memory, addresses, guesses } = workerData as {
  policy: LockoutPolicy;
  memory: LockoutMemory;
  addresses: number;
  guesses: number;
};

const lockout = createLockout(policy, systemClock, memory);
parentPort?.once('message', () => {
  const learned = new Array<number>(addresses).fill(0);
  for (let i = 0; i < guesses; i++) {
    const address = i % addresses;
    const attempt = { address: `198.51.100.${address}`, credential: `guess ${threadId} ${i}` };
    const { state } = lockout.record(attempt, 'invalid');
    if (state === 'counted') learned[address] = (learned[address] ?? 0) + 1;
  }
  parentPort?.postMessage(learned);
});
parentPort?.postMessage('ready');
