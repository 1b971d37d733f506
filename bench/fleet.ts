import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { CoreData, Data } from './data.ts';
import { type Server, startKeyhearth, startServer } from './processes.ts';
import type { CoreServers, KeyFiles, Servers, WorkerServers } from './scenarios.ts';
import { workersOn } from './workers.ts';

/** All servers stay up; only the one that is measured has anything to do. */

const OPEN = { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' };
const LONG_LOCKOUT = { KEYHEARTH_LOCKOUT_SECONDS: '86400' };

function small(directory: string, name: string, file: string, env: Record<string, string> = {}) {
  const script = join(import.meta.dirname, 'servers', file);
  return startServer({ name, script, readyPath: '/', directory, env });
}

/** What the first group compares. */
export async function startCore(directory: string, data: CoreData): Promise<CoreServers> {
  const { one, million, before } = data;
  const servers: CoreServers = {
    raw: await small(directory, 'raw', 'raw.ts'),
    hono: await small(directory, 'hono', 'hono.ts'),
    one: await startKeyhearth('one', one, directory),
    ...(before && { before: await startKeyhearth('before', before.dataDir, directory, {}, before.main) }),
    oneOpen: await startKeyhearth('one-open', one, directory, OPEN),
    oneLocked: await startKeyhearth('one-locked', one, directory, LONG_LOCKOUT),
    million: await startKeyhearth('million', million, directory),
  };
  await lockOut(servers.oneLocked);
  return servers;
}

/** Everything that is measured in a round, but for several workers. */
export async function startFleet(directory: string, data: Data, keys: KeyFiles): Promise<Servers> {
  const peer = (name: string, keyFile: string, storage: string) =>
    small(directory, name, 'better-auth.mjs', {
      BENCH_DATABASE: join(mkdtempSync(join(directory, `${name}-`)), 'auth.db'),
      BENCH_KEY_FILE: keyFile,
      BENCH_STORAGE: storage,
    });
  const onPostgres = { DATABASE_URL: data.postgresUrl };
  const cached = { ...onPostgres, KEYHEARTH_CACHE: 'on' };
  return {
    ...(await startCore(directory, data)),
    betterAuth: await peer('better-auth', keys.betterAuth, 'database'),
    betterAuthMemory: await peer('better-auth-memory', keys.betterAuthMemory, 'memory'),
    millionOpen: await startKeyhearth('million-open', data.million, directory, OPEN),
    proxyos: await startKeyhearth('proxyos', data.proxyos, directory),
    postgres: await startKeyhearth('postgres', data.postgres, directory, onPostgres),
    postgresCached: await startKeyhearth('postgres-cached', data.postgres, directory, cached),
  };
}

/** What several workers are measured by, as many as there is room for on so many cores. */
export async function startWorkers(directory: string, data: Data, cores: number): Promise<WorkerServers> {
  const WORKERS = String(workersOn(cores));
  const cluster = (name: string, policy: 'rr' | 'none') =>
    small(directory, name, 'cluster.ts', { WORKERS, NODE_CLUSTER_SCHED_POLICY: policy });
  return {
    several: await startKeyhearth('several', data.one, directory, { KEYHEARTH_WORKERS: WORKERS }),
    threads: await small(directory, 'threads', 'threads.ts', { WORKERS }),
    clusterRoundRobin: await cluster('cluster-rr', 'rr'),
    clusterNone: await cluster('cluster-none', 'none'),
  };
}

export const stopAll = async (servers: Record<string, Server>): Promise<void> => {
  await Promise.all(Object.values(servers).map((server) => server.stop()));
};

/** Guesses until the loopback is locked out there. */
async function lockOut({ origin }: Server): Promise<void> {
  for (let guess = 0; guess < 5; guess++) {
    await fetch(`${origin}/auth/verify`, { headers: { 'x-api-key': `wrong-${guess}-`.padEnd(40, '0') } });
  }
}
