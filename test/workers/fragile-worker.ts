import { BroadcastChannel, threadId, workerData } from 'node:worker_threads';
import '../../src/workers/worker.ts';
import { KeyId } from '../../src/lib/brand.ts';
import { openConcurrency } from '../../src/limits/concurrency.ts';
import type { WorkerData } from '../../src/workers/messages.ts';

/** A worker that a message over the channel makes hang, or fail in the middle of counting a guess. */

const channel = new BroadcastChannel('fragile-worker');
channel.onmessage = ({ data: order }) => {
  // Like an endless loop, but it leaves the processor to other tests.
  if (order === 'hang') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (order !== 'fail') return;
  const { buffer } = (workerData as WorkerData).memory.lockout.table;
  Atomics.compareExchange(new Int32Array(buffer), 0, 0, threadId + 1);
  setImmediate(() => Promise.reject(new Error('made to fail')));
};
channel.unref();

// A worker that was replaced left nothing open, so there is a place for each of them.
const { config, memory } = workerData as WorkerData;
if (!openConcurrency(memory.concurrency).acquire(KeyId(1), config.workers))
  channel.postMessage('a request is still open');
