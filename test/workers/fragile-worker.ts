import { BroadcastChannel, threadId, workerData } from 'node:worker_threads';
import '../../src/workers/worker.ts';
import type { WorkerData } from '../../src/workers/messages.ts';

/** A worker that a message over the channel makes fail, in the middle of counting a guess. */

const channel = new BroadcastChannel('fragile-worker');
channel.onmessage = () => {
  const { buffer } = (workerData as WorkerData).memory.lockout.table;
  Atomics.compareExchange(new Int32Array(buffer), 0, 0, threadId + 1);
  setImmediate(() => Promise.reject(new Error('made to fail')));
};
channel.unref();
