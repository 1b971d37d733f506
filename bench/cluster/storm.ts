import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Cluster } from '../../deploy/cluster/cluster.ts';
import { caller, FIRST_KEY } from './traffic.ts';

const CONNECTIONS = 8;

export type Storm = {
  statuses: ReadonlyMap<number, number>;
  /** The longest that anybody waited for an answer. */
  slowestMs: number;
  terminations: number;
  /** Connections of all replicas together when it was over. */
  connectionsLeft: number;
};

/** Terminates every connection to the database, again and again, while all replicas verify a good and a wrong key. */
export async function terminateConnections(
  { replicas, postgres }: Pick<Cluster, 'replicas' | 'postgres'>,
  seconds: number,
): Promise<Storm> {
  const statuses = new Map<number, number>();
  let slowestMs = 0;
  let terminations = 0;
  let isOver = false;

  async function load(origin: string, key: string): Promise<void> {
    const call = caller(origin);
    while (!isOver) {
      const start = performance.now();
      const { status } = await call('GET', '/auth/verify', key);
      slowestMs = Math.max(slowestMs, performance.now() - start);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  }

  const admin = new Client(postgres.url);
  await admin.connect();
  const others =
    "from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() and datname = current_database()";
  const loads = replicas.flatMap(({ origin }) =>
    Array.from({ length: CONNECTIONS }, (_, i) =>
      load(origin, i % 2 === 0 ? FIRST_KEY : `${FIRST_KEY}-wrong`),
    ),
  );
  const deadline = performance.now() + seconds * 1_000;
  while (performance.now() < deadline) {
    const { rowCount } = await admin.query(`select pg_terminate_backend(pid) ${others}`);
    terminations += rowCount ?? 0;
    await sleep(20);
  }
  await sleep(1_000);
  isOver = true;
  await Promise.all(loads);
  const { rows } = await admin.query<{ n: number }>(`select count(*)::int as n ${others}`);
  await admin.end();
  return { statuses, slowestMs, terminations, connectionsLeft: rows[0]?.n ?? 0 };
}
