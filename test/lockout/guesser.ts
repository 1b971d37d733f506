import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../src/lib/clock.ts';
import { createLockout, type LockoutPolicy } from '../../src/lockout/lockout.ts';
import type { LockoutMemory } from '../../src/lockout/shared-table.ts';

/** A thread that guesses wrong as fast as it can, at many addresses, and tells how often it was told so. */

const { policy, memory, addresses, guesses } = workerData as {
  policy: LockoutPolicy;
  memory: LockoutMemory;
  addresses: number;
  guesses: number;
};

const lockout = createLockout(policy, systemClock, memory);
parentPort?.once('message', () => {
  const told = new Array<number>(addresses).fill(0);
  for (let i = 0; i < guesses; i++) {
    const address = i % addresses;
    const { state } = lockout.settle(`198.51.100.${address}`, { ok: false });
    if (state === 'counted') told[address] = (told[address] ?? 0) + 1;
  }
  parentPort?.postMessage(told);
});
parentPort?.postMessage('ready');
