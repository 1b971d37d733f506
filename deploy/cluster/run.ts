import { once } from 'node:events';
import { startCluster } from './cluster.ts';

/**
 * Starts PostgreSQL, three replicas and HAProxy in front of them on this machine, until Ctrl-C. It keeps nothing.
 * not run: it runs until Ctrl-C. The tests in test/cluster start the same cluster.
 */

const PORT = 8801;

const cluster = await startCluster(3);
const proxy = await cluster.startProxy(PORT).catch(async (error: Error) => {
  await cluster.stop();
  process.stderr.write(`cluster: ${error.message}; stop what has port ${PORT} and start again.\n`);
  process.exit(1);
});
process.stdout.write(
  [
    ...cluster.replicas.map(({ origin }) => `replica     ${origin}`),
    `PostgreSQL  ${cluster.postgres.url}`,
    `in front    ${proxy ?? 'nothing, since haproxy is not installed; ask the replicas themselves'}`,
    '',
  ].join('\n'),
);
// Under npm the signal comes twice.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await cluster.stop();
