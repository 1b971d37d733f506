import { parentPort, workerData } from 'node:worker_threads';
import { KeyId } from '../../src/lib/brand.ts';
import { type ConcurrencyMemory, openConcurrency } from '../../src/limits/concurrency.ts';

/** A worker that begins and ends requests of keys, as fast as it can, and says when more were open than the limit. */
const { memory, rounds, limit, open } = workerData as {
  memory: ConcurrencyMemory;
  rounds: number;
  limit: number;
  /** How many are open of each key, counted apart. */
  open: Int32Array;
};

const concurrency = openConcurrency(memory);
let refused = 0;
let tooMany = 0;
for (let i = 0; i < rounds; i++) {
  const key = i % open.length;
  const release = concurrency.acquire(KeyId(key + 1), limit);
  if (!release) {
    refused++;
    continue;
  }
  if (Atomics.add(open, key, 1) >= limit) tooMany++;
  for (let spin = 0; spin < 50; spin++);
  Atomics.sub(open, key, 1);
  release();
}
parentPort?.postMessage({ refused, tooMany });
