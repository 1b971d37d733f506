import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../deploy/cluster/postgres.ts';
import { type Server, startKeyhearth, startServer } from './processes.ts';
import { type KeyFiles, type Servers, WORKERS } from './scenarios.ts';
import { fill, makeDataDirectory, writeKeys } from './seed.ts';

const MILLION = 1_000_000;
const MANY = 100_000;
const THOUSAND = 1_000;

export type Data = {
  one: string;
  million: string;
  /** What stands beside the database in PostgreSQL, and the URL of that. */
  postgres: string;
  postgresUrl: string;
  close(): Promise<void>;
};

/** Three data directories, a PostgreSQL, and the files of keys that are sent. */
export async function prepareData(directory: string): Promise<{ data: Data; keys: KeyFiles }> {
  const postgres = await startPostgres();
  const data = {
    one: join(directory, 'one'),
    million: join(directory, 'million'),
    postgres: join(directory, 'postgres'),
    postgresUrl: postgres.url,
    close: postgres.remove,
  };
  for (const dataDir of [data.one, data.million, data.postgres]) mkdirSync(dataDir, { mode: 0o700 });
  const file = (name: string) => join(directory, `${name}.keys`);
  const one = await makeDataDirectory(data.one, directory);
  await makeDataDirectory(data.million, directory);
  const onPostgres = await makeDataDirectory(data.postgres, directory, { DATABASE_URL: postgres.url });
  const many = fill(data.million, MILLION, MILLION / MANY);
  const thousand = many.filter((_, index) => index % (MANY / THOUSAND) === 0);
  return {
    data,
    keys: {
      one: writeKeys(file('one'), [one]),
      onPostgres: writeKeys(file('postgres'), [onPostgres]),
      unknown: writeKeys(file('unknown'), ['u'.repeat(64)]),
      manyOfMillion: writeKeys(file('many'), many),
      thousandOfMillion: writeKeys(file('thousand'), thousand),
      betterAuth: file('better-auth'),
      betterAuthMemory: file('better-auth-memory'),
    },
  };
}

/** Everything that is measured in a round. All stay up; only the one that is measured has anything to do. */
export async function startFleet(directory: string, data: Data, keys: KeyFiles): Promise<Servers> {
  const script = (name: string) => new URL(`./servers/${name}`, import.meta.url).pathname;
  const small = (name: string, file: string, env: Record<string, string> = {}) =>
    startServer({ name, script: script(file), readyPath: '/', directory, env });
  const peer = (name: string, keyFile: string, storage: string) =>
    small(name, 'better-auth.mjs', {
      BENCH_DATABASE: join(mkdtempSync(join(directory, `${name}-`)), 'auth.db'),
      BENCH_KEY_FILE: keyFile,
      BENCH_STORAGE: storage,
    });
  const workers = { WORKERS: String(WORKERS) };
  const open = { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' };
  const onPostgres = { DATABASE_URL: data.postgresUrl };
  const longLockout = { KEYHEARTH_LOCKOUT_SECONDS: '86400' };

  const servers: Servers = {
    raw: await small('raw', 'raw.ts'),
    hono: await small('hono', 'hono.ts'),
    betterAuth: await peer('better-auth', keys.betterAuth, 'database'),
    betterAuthMemory: await peer('better-auth-memory', keys.betterAuthMemory, 'memory'),
    one: await startKeyhearth('one', data.one, directory),
    oneOpen: await startKeyhearth('one-open', data.one, directory, open),
    oneLocked: await startKeyhearth('one-locked', data.one, directory, longLockout),
    several: await startKeyhearth('several', data.one, directory, { KEYHEARTH_WORKERS: String(WORKERS) }),
    million: await startKeyhearth('million', data.million, directory),
    millionOpen: await startKeyhearth('million-open', data.million, directory, open),
    postgres: await startKeyhearth('postgres', data.postgres, directory, onPostgres),
    postgresCached: await startKeyhearth('postgres-cached', data.postgres, directory, {
      ...onPostgres,
      KEYHEARTH_CACHE: 'on',
    }),
    threads: await small('threads', 'threads.ts', workers),
    clusterRoundRobin: await small('cluster-rr', 'cluster.ts', {
      ...workers,
      NODE_CLUSTER_SCHED_POLICY: 'rr',
    }),
    clusterNone: await small('cluster-none', 'cluster.ts', { ...workers, NODE_CLUSTER_SCHED_POLICY: 'none' }),
  };
  await lockOut(servers.oneLocked);
  return servers;
}

export const stopFleet = async (servers: Servers): Promise<void> => {
  await Promise.all(Object.values(servers).map((server) => server.stop()));
};

/** Guesses until the loopback is locked out there. */
async function lockOut({ origin }: Server): Promise<void> {
  for (let guess = 0; guess < 5; guess++) {
    await fetch(`${origin}/auth/verify`, { headers: { 'x-api-key': `wrong-${guess}-`.padEnd(40, '0') } });
  }
}
