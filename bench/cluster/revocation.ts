import { setImmediate as nextTurn } from 'node:timers/promises';
import { Client } from 'pg';
import type { Cluster } from '../../deploy/cluster/cluster.ts';
import { caller, change, createKey } from './traffic.ts';

const CONNECTIONS = 8;

export type Revocations = {
  /** Requests that began after a revocation was answered. */
  after: number;
  /** Of those, how many got 200. */
  passed: number;
  /** Milliseconds from the answer of a revocation to the beginning of the last request that got 200; 0 for none. */
  latestMs: number;
};

/**
 * Revokes a key through one replica, again and again, while all others verify it without pause.
 * @param watchMs how long to go on looking after each revocation
 * @param meanwhile run when the key is active again, before each revocation
 */
export async function revoke(
  { replicas }: Pick<Cluster, 'replicas'>,
  times: number,
  watchMs = 0,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<Revocations> {
  const [revoking, ...others] = replicas.map(({ origin }) => caller(origin));
  if (!revoking || others.length === 0) throw new Error('it takes two replicas');
  const { id, rawKey } = await createKey(revoking);
  const seen: Revocations = { after: 0, passed: 0, latestMs: 0 };
  let revokedAt: number | undefined;
  let isOver = false;

  async function look(verify: (typeof others)[number]): Promise<void> {
    while (!isOver) {
      const since = revokedAt;
      const begunAt = performance.now();
      const { status } = await verify('GET', '/auth/verify', rawKey);
      // Another state by now: the answer may be about that one.
      if (since === undefined || since !== revokedAt) continue;
      seen.after++;
      if (status !== 200) continue;
      seen.passed++;
      seen.latestMs = Math.max(seen.latestMs, begunAt - since);
    }
  }

  const looking = others.flatMap((verify) => Array.from({ length: CONNECTIONS }, () => look(verify)));
  for (let i = 0; i < times; i++) {
    await meanwhile();
    await change(revoking, id, 'deactivate');
    revokedAt = performance.now();
    const enough = seen.after + looking.length;
    while (seen.after < enough || performance.now() - revokedAt < watchMs) await nextTurn();
    revokedAt = undefined;
    await change(revoking, id, 'activate');
    await untilAllPass(others, rawKey);
  }
  isOver = true;
  await Promise.all(looking);
  return seen;
}

/** What was remembered of the revoked key must be gone, and the active one remembered in its place. */
async function untilAllPass(others: ReturnType<typeof caller>[], rawKey: string): Promise<void> {
  for (const verify of others) {
    while ((await verify('GET', '/auth/verify', rawKey)).status !== 200) await nextTurn();
  }
}

/** The processes of PostgreSQL through which the replicas listen. */
const LISTENING =
  "select pid from pg_stat_activity where query like 'select pg_notify%' or query like 'listen%'";

async function ask(url: string, sql: string): Promise<number[]> {
  const client = new Client(url);
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>(sql);
    if (rows.length === 0) throw new Error('nobody listens');
    return rows.map(({ pid }) => pid);
  } finally {
    await client.end();
  }
}

/** Ends the connections through which the replicas listen. */
export const terminateListeners = async (url: string): Promise<void> => {
  await ask(url, `select pid, pg_terminate_backend(pid) from (${LISTENING}) as listening`);
};

/** Has them stand still, as on a machine that hangs. @returns what lets them go on */
export async function stopListeners(url: string): Promise<() => void> {
  const pids = await ask(url, LISTENING);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return () => {
    for (const pid of pids.splice(0)) process.kill(pid, 'SIGCONT');
  };
}
