import { BroadcastChannel } from 'node:worker_threads';
import '../../src/workers/worker.ts';

/** A worker that can be made to fail by whoever knows the channel. */

const channel = new BroadcastChannel('fragile-worker');
channel.onmessage = () => setImmediate(() => Promise.reject(new Error('made to fail')));
channel.unref();
