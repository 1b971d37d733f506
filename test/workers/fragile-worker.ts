import { BroadcastChannel, threadId, workerData } from 'node:worker_threads';
import '../../src/workers/worker.ts';
import type { WorkerOrders } from '../../src/workers/messages.ts';

/** A worker that can be made to fail, in the middle of counting a guess, by whoever knows the channel. */

const channel = new BroadcastChannel('fragile-worker');
channel.onmessage = () => {
  const { buffer } = (workerData as WorkerOrders).lockoutMemory;
  Atomics.compareExchange(new Int32Array(buffer), 0, 0, threadId + 1);
  setImmediate(() => Promise.reject(new Error('made to fail')));
};
channel.unref();
