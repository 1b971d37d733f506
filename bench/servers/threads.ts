import { createServer } from 'node:http';
import { isMainThread, Worker } from 'node:worker_threads';
import { handler } from './handler.ts';

/** As Keyhearth does it: threads, each with a listening socket of its own on one port. */

if (isMainThread) {
  for (let i = 0; i < Number(process.env.WORKERS); i++) new Worker(new URL(import.meta.url));
} else {
  createServer(handler).listen({ port: Number(process.env.PORT), host: '127.0.0.1', reusePort: true });
}
