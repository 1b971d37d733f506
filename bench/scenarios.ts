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
const SEVERAL: Pressure = { threads: 2, connections: 64 };

/** `before` is there when another state of Keyhearth is compared with the present one. */
export type CoreServers = Record<'raw' | 'hono' | 'one' | 'oneOpen' | 'oneLocked' | 'million', Server> & {
  before?: Server;
};

export type Servers = CoreServers &
  Record<
    'betterAuth' | 'betterAuthMemory' | 'millionOpen' | 'proxyos' | 'postgres' | 'postgresCached',
    Server
  >;

export type WorkerServers = Record<'several' | 'threads' | 'clusterRoundRobin' | 'clusterNone', Server>;

export type CoreKeyFiles = Record<
  'one' | 'scoped' | 'limited' | 'unknown' | 'thousandOfMillion' | 'manyOfMillion',
  string
> & {
  before?: string;
};

export type KeyFiles = CoreKeyFiles &
  Record<'listing' | 'onPostgres' | 'limitedOnPostgres' | 'betterAuth' | 'betterAuthMemory', string>;

const VERIFY = '/auth/verify';

type Common = 'path' | 'expected' | 'pressure' | 'settles';

const scenario = (given: Omit<Scenario, Common> & Partial<Pick<Scenario, Common>>): Scenario => ({
  path: '/',
  expected: 200,
  pressure: SINGLE,
  settles: false,
  ...given,
});

const verification = (given: Parameters<typeof scenario>[0]) => scenario({ path: VERIFY, ...given });

/** What verification costs beside a server that does nothing, and beside itself. */
export function coreScenarios(servers: CoreServers, keys: CoreKeyFiles): Scenario[] {
  return [
    scenario({
      id: 'raw',
      server: servers.raw,
      title: 'raw `node:http`',
      description: 'a constant answer, with the body of a verification',
      keysFile: keys.one,
    }),
    scenario({
      id: 'hono',
      server: servers.hono,
      title: 'bare Hono route',
      description: 'the same body from one route without middleware',
      keysFile: keys.one,
    }),
    verification({
      id: 'verify',
      server: servers.one,
      title: 'verify, 1 key',
      description: '`GET /auth/verify` with a plain key',
      keysFile: keys.one,
    }),
    ...beforeScenario(servers, keys),
    verification({
      id: 'scoped',
      server: servers.one,
      title: 'verify with a scope and addresses',
      description: 'a key with two scopes and three networks: `GET /auth/verify?scope=invoices:read`',
      path: `${VERIFY}?scope=invoices:read`,
      keysFile: keys.scoped,
    }),
    verification({
      id: 'limited',
      server: servers.one,
      title: 'verify with two limits',
      description: 'a key with two rate limits, which are not reached',
      keysFile: keys.limited,
    }),
    verification({
      id: 'unknown',
      server: servers.oneOpen,
      title: 'verify, unknown key',
      description: 'one wrong key, with the lockout off: 401',
      keysFile: keys.unknown,
      expected: 401,
    }),
    verification({
      id: 'locked',
      server: servers.oneLocked,
      title: 'verify, locked-out address',
      description: 'a valid key from a locked address: 429',
      keysFile: keys.one,
      expected: 429,
    }),
    verification({
      id: 'million',
      server: servers.million,
      title: 'verify, 1,000,000 keys',
      description: '1,000 of a million keys in turn',
      keysFile: keys.thousandOfMillion,
    }),
  ];
}

function beforeScenario({ before }: CoreServers, keys: CoreKeyFiles): Scenario[] {
  if (!before) return [];
  return [
    verification({
      id: 'before',
      server: before,
      title: 'verify, 1 key, before',
      description: 'the same from the state of Keyhearth that `BENCH_BEFORE` names',
      keysFile: keys.before,
    }),
  ];
}

/** In groups of those that are compared with each other. */
export const scenarios = (servers: Servers, keys: KeyFiles, postgresUrl: string): Scenario[][] => [
  [...coreScenarios(servers, keys), ...othersOfTheFirstGroup(servers, keys)],
  postgresScenarios(servers, keys, postgresUrl),
  listingScenarios(servers, keys),
  otherScenarios(servers, keys),
  millionScenarios(servers, keys),
];

const othersOfTheFirstGroup = (servers: Servers, keys: KeyFiles): Scenario[] => [
  verification({
    id: 'postgresCached',
    server: servers.postgresCached,
    title: 'verify, PostgreSQL, cached',
    description: '`KEYHEARTH_CACHE=on`: the only key, from memory',
    keysFile: keys.onPostgres,
  }),
];

const postgresScenarios = ({ postgres }: Servers, keys: KeyFiles, postgresUrl: string): Scenario[] => [
  verification({
    id: 'postgres',
    server: postgres,
    title: 'verify, PostgreSQL',
    description: 'the only key: its row is read from PostgreSQL for every request',
    keysFile: keys.onPostgres,
  }),
  verification({
    id: 'postgresLimited',
    server: postgres,
    title: 'verify with two limits, PostgreSQL',
    description: 'a key with two rate limits: a row is written for every batch of requests',
    keysFile: keys.limitedOnPostgres,
  }),
  scenario({
    id: 'postgresLoop',
    server: postgres,
    title: 'bare `pg` loop',
    description: 'no HTTP: 32 loops with one connection each read that row with a prepared statement',
    keysFile: keys.onPostgres,
    measure: () => measureLoop(postgresUrl),
  }),
];

/** Several workers beside one, and threads beside processes. */
export function workerScenarios(
  one: Server,
  servers: WorkerServers,
  keys: KeyFiles,
  workers: number,
): Scenario[] {
  const each = { pressure: SEVERAL, keysFile: keys.one };
  return [
    verification({
      ...each,
      id: 'verify64',
      server: one,
      title: 'verify, 1 worker',
      description: 'as above, under the load for several workers',
    }),
    verification({
      ...each,
      id: 'several',
      server: servers.several,
      title: `verify, ${workers} workers`,
      description: `\`KEYHEARTH_WORKERS=${workers}\`, 1 key`,
    }),
    scenario({
      ...each,
      id: 'threads',
      server: servers.threads,
      title: `${workers} threads`,
      description: 'a small handler in worker threads with `reusePort`',
    }),
    scenario({
      ...each,
      id: 'clusterRoundRobin',
      server: servers.clusterRoundRobin,
      title: `${workers} processes, round-robin`,
      description: 'the same handler under `node:cluster`',
    }),
    scenario({
      ...each,
      id: 'clusterNone',
      server: servers.clusterNone,
      title: `${workers} processes, SCHED_NONE`,
      description: 'the same, with the system choosing the process',
    }),
  ];
}

const listingScenarios = ({ proxyos: server }: Servers, { listing: keysFile }: KeyFiles): Scenario[] => [
  scenario({
    id: 'list',
    server,
    title: '`GET /auth/keys`, 100 keys',
    description: 'a page of the core API',
    path: '/auth/keys',
    keysFile,
  }),
  scenario({
    id: 'trpcList',
    server,
    title: '`apiKeys.list`, 100 keys',
    description: 'the same keys from the ProxyOS API, by tRPC: `GET /api/trpc/apiKeys.list`',
    path: '/api/trpc/apiKeys.list',
    keysFile,
  }),
];

const otherScenarios = (servers: Servers, keys: KeyFiles): Scenario[] => [
  scenario({
    id: 'key',
    server: servers.one,
    title: '`GET /auth/keys/1`',
    description: 'a key that reads itself, through the framework, with a line in the log',
    path: '/auth/keys/1',
    keysFile: keys.one,
  }),
  scenario({
    id: 'betterAuth',
    server: servers.betterAuth,
    title: 'better-auth',
    description: '`auth.api.verifyApiKey` on SQLite, one key',
    path: '/verify',
    keysFile: keys.betterAuth,
  }),
  scenario({
    id: 'betterAuthMemory',
    server: servers.betterAuthMemory,
    title: 'better-auth, in memory',
    description: 'the same with a `Map` as its secondary storage',
    path: '/verify',
    keysFile: keys.betterAuthMemory,
  }),
];

const millionScenarios = (servers: Servers, keys: KeyFiles): Scenario[] => [
  verification({
    id: 'many',
    server: servers.million,
    title: 'verify, 100,000 keys in use',
    description: '100,000 of a million keys in turn',
    keysFile: keys.manyOfMillion,
    settles: true,
  }),
  verification({
    id: 'everNew',
    server: servers.millionOpen,
    title: 'verify, ever-new unknown keys',
    description: 'a million keys, the lockout off, and no key sent twice: 401',
    keysFile: undefined,
    expected: 401,
  }),
];
