import { availableParallelism } from 'node:os';
import { measureLoop, type Pressure, type Speed } from './load.ts';
import type { Server } from './processes.ts';

export type Scenario = {
  id: string;
  title: string;
  /** What `docs/benchmarks.md` says of it. */
  description: string;
  server: Server;
  path: string;
  /** Undefined: a new key with every request. */
  keysFile: string | undefined;
  /** The status of every single answer. */
  expected: number;
  pressure: Pressure;
  /** Whether so many keys are used that writing their use counts would fall into the next scenario. */
  settles: boolean;
  /** Instead of the load generator, for what is no server. */
  measure?: () => Promise<Speed>;
};

/** One thread of the load generator keeps one thread of a server busy; more would only take its time away. */
export const SINGLE: Pressure = { threads: 1, connections: 32 };
/** For several workers, and for the one worker that they are compared with. */
export const SEVERAL: Pressure = { threads: 2, connections: 64 };

/** Leaves one core to the load generator. */
export const WORKERS = Math.max(2, availableParallelism() - 1);

export type Servers = Record<
  | 'raw'
  | 'hono'
  | 'betterAuth'
  | 'betterAuthMemory'
  | 'one'
  | 'oneOpen'
  | 'oneLocked'
  | 'several'
  | 'million'
  | 'millionOpen'
  | 'postgres'
  | 'postgresCached'
  | 'threads'
  | 'clusterRoundRobin'
  | 'clusterNone',
  Server
>;

export type KeyFiles = Record<
  | 'one'
  | 'onPostgres'
  | 'unknown'
  | 'thousandOfMillion'
  | 'manyOfMillion'
  | 'betterAuth'
  | 'betterAuthMemory',
  string
>;

const VERIFY = '/auth/verify';

/** In groups of those that are compared with each other. */
export function scenarios(servers: Servers, keys: KeyFiles, postgresUrl: string): Scenario[][] {
  function scenario(
    id: string,
    server: Server,
    title: string,
    description: string,
    options: Partial<Scenario> = {},
  ): Scenario {
    const usual = { path: '/', keysFile: keys.one, expected: 200, pressure: SINGLE, settles: false };
    return { id, server, title, description, ...usual, ...options };
  }
  const workers = `${WORKERS} workers`;
  return [
    [
      scenario('raw', servers.raw, 'raw `node:http`', 'a constant answer, with the body of a verification'),
      scenario('hono', servers.hono, 'bare Hono route', 'the same body from one route without middleware'),
      scenario('verify', servers.one, 'verify, 1 key', '`GET /auth/verify` with the one key there is', {
        path: VERIFY,
      }),
      scenario(
        'unknown',
        servers.oneOpen,
        'verify, unknown key',
        'a wrong key, with the lockout off: 401, and a line in the log',
        {
          path: VERIFY,
          keysFile: keys.unknown,
          expected: 401,
        },
      ),
      scenario('million', servers.million, 'verify, 1,000,000 keys', '1,000 of a million keys in turn', {
        path: VERIFY,
        keysFile: keys.thousandOfMillion,
      }),
      scenario(
        'postgresCached',
        servers.postgresCached,
        'verify, PostgreSQL, cached',
        '`KEYHEARTH_CACHE=on`: the one key there is, from memory',
        {
          path: VERIFY,
          keysFile: keys.onPostgres,
        },
      ),
      scenario(
        'locked',
        servers.oneLocked,
        'verify, locked-out address',
        'a good key from a locked address: 429, and a line in the log',
        {
          path: VERIFY,
          expected: 429,
        },
      ),
    ],
    [
      scenario(
        'postgres',
        servers.postgres,
        'verify, PostgreSQL',
        'the one key there is, its row read from PostgreSQL for every request',
        {
          path: VERIFY,
          keysFile: keys.onPostgres,
        },
      ),
      {
        ...scenario(
          'postgresLoop',
          servers.postgres,
          'bare `pg` loop',
          'no HTTP: 32 loops with a connection each, which read that row as a prepared statement',
        ),
        measure: () => measureLoop(postgresUrl),
      },
    ],
    [
      scenario('verify64', servers.one, 'verify, 1 worker', 'as above, under the load for several workers', {
        path: VERIFY,
        pressure: SEVERAL,
      }),
      scenario('several', servers.several, `verify, ${workers}`, `\`KEYHEARTH_WORKERS=${WORKERS}\`, 1 key`, {
        path: VERIFY,
        pressure: SEVERAL,
      }),
      scenario(
        'threads',
        servers.threads,
        `${WORKERS} threads`,
        'a small handler in worker threads with `reusePort`',
        {
          pressure: SEVERAL,
        },
      ),
      scenario(
        'clusterRoundRobin',
        servers.clusterRoundRobin,
        `${WORKERS} processes, round-robin`,
        'the same handler under `node:cluster`',
        {
          pressure: SEVERAL,
        },
      ),
      scenario(
        'clusterNone',
        servers.clusterNone,
        `${WORKERS} processes, SCHED_NONE`,
        'the same, with the system choosing the process',
        {
          pressure: SEVERAL,
        },
      ),
    ],
    [
      scenario(
        'key',
        servers.one,
        '`GET /auth/keys/1`',
        'one key read with itself, through the framework, and a line in the log',
        {
          path: '/auth/keys/1',
        },
      ),
      scenario(
        'betterAuth',
        servers.betterAuth,
        'better-auth',
        '`auth.api.verifyApiKey` on SQLite, one key',
        {
          path: '/verify',
          keysFile: keys.betterAuth,
        },
      ),
      scenario(
        'betterAuthMemory',
        servers.betterAuthMemory,
        'better-auth, in memory',
        'the same on a secondary storage that is a `Map`',
        {
          path: '/verify',
          keysFile: keys.betterAuthMemory,
        },
      ),
    ],
    [
      scenario('many', servers.million, 'verify, 100,000 keys in use', '100,000 of a million keys in turn', {
        path: VERIFY,
        keysFile: keys.manyOfMillion,
        settles: true,
      }),
      scenario(
        'everNew',
        servers.millionOpen,
        'verify, ever-new unknown keys',
        'a million keys, the lockout off, and no key sent twice: 401',
        {
          path: VERIFY,
          keysFile: undefined,
          expected: 401,
        },
      ),
    ],
  ];
}
