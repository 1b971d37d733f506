import { beforeAll, onTestFinished } from 'vitest';
import { type Cluster, type Replica, startCluster } from '../../deploy/cluster/cluster.ts';
import { COMPILED } from '../support/compiled.ts';
import { client, type Send } from '../support/http.ts';
import { createDatabase, query } from '../support/postgres.ts';

const ENV = { ...COMPILED, KEYHEARTH_BCRYPT_COST: '10' };

/** Replicas on a PostgreSQL of their own, gone when the test is. For tests that do harm to PostgreSQL. */
export async function cluster(replicas: number, env: Record<string, string> = {}): Promise<Cluster> {
  const running = await startCluster(replicas, { ...ENV, ...env }, { fsync: 'off' });
  onTestFinished(() => running.stop());
  return running;
}

/** Replicas on a database of their own, gone when the test is, on one PostgreSQL for all tests of the file. */
export function onOnePostgres() {
  let shared: Cluster;
  beforeAll(async () => {
    shared = await startCluster(0, ENV, { fsync: 'off' });
    return () => shared.stop();
  });
  let databases = 0;

  return async (count: number, env: Record<string, string> = {}) => {
    const url = await createDatabase(shared.postgres.url, `keyhearth_test_${++databases}`);
    async function startReplica(more: Record<string, string> = {}): Promise<Replica> {
      const replica = await shared.startReplica({ DATABASE_URL: url, ...env, ...more });
      onTestFinished(() => void replica.child.kill('SIGKILL'));
      return replica;
    }
    const replicas = await Promise.all(Array.from({ length: count }, () => startReplica()));
    return { url, replicas, startReplica };
  };
}

/** One for each replica. */
export const senders = (replicas: readonly Replica[], from?: string) =>
  replicas.map(({ origin }) => client(origin, from)) as [Send, Send, Send];

/** The backends of PostgreSQL whose latest query is like this. @param pattern patterns of `like`, with `|` between */
export const backends = (url: string, pattern: string) =>
  query<{ pid: number }>(
    url,
    'select pid from pg_stat_activity where query like any($1) and pid <> pg_backend_pid()',
    [pattern.split('|')],
  );

/** Has the backends whose latest query is like this stand still, until the test is over. @returns how many */
export async function freeze(url: string, pattern: string): Promise<number> {
  const found = await backends(url, pattern);
  const signal = (name: NodeJS.Signals) => {
    for (const { pid } of found) process.kill(pid, name);
  };
  signal('SIGSTOP');
  onTestFinished(() => signal('SIGCONT'));
  return found.length;
}
