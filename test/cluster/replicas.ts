import { onTestFinished } from 'vitest';
import { type Cluster, type Replica, startCluster } from '../../deploy/cluster/cluster.ts';
import { client, type Send } from '../support/http.ts';
import { COMPILED } from '../support/keyhearth.ts';
import { query } from '../support/postgres.ts';

/** Replicas on a PostgreSQL of their own, gone when the test is. */
export async function cluster(replicas: number, env: Record<string, string> = {}): Promise<Cluster> {
  const running = await startCluster(
    replicas,
    { ...COMPILED, KEYHEARTH_BCRYPT_COST: '10', ...env },
    { fsync: 'off' },
  );
  onTestFinished(() => running.stop());
  return running;
}

/** One for each replica. */
export const senders = (replicas: readonly Replica[], from?: string) =>
  replicas.map(({ origin }) => client(origin, from)) as [Send, Send, Send];

/** Has the backends whose latest query is like this stand still, until the test is over. @returns how many */
export async function freeze(url: string, pattern: string): Promise<number> {
  const backends = await query<{ pid: number }>(
    url,
    'select pid from pg_stat_activity where query like any($1) and pid <> pg_backend_pid()',
    [pattern.split('|')],
  );
  const signal = (name: NodeJS.Signals) => {
    for (const { pid } of backends) process.kill(pid, name);
  };
  signal('SIGSTOP');
  onTestFinished(() => signal('SIGCONT'));
  return backends.length;
}
