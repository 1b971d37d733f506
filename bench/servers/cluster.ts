import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { handler } from './handler.ts';

/** As most do it: processes. NODE_CLUSTER_SCHED_POLICY chooses who distributes the connections. */

if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.WORKERS); i++) cluster.fork();
  process.on('SIGTERM', () => {
    cluster.disconnect();
    process.exit(0);
  });
} else {
  createServer(handler).listen(Number(process.env.PORT), '127.0.0.1');
}
