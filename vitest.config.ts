import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { matchesGlob } from 'node:path';
import { defineConfig } from 'vitest/config';
import { COMPILED } from './test/support/compiled.ts';
import { LONG } from './test/support/long.ts';

// The tests run in processes of their own, which inherit it, and so do the threads of their services.
Object.assign(process.env, COMPILED);

/**
 * Each service has 140 MB of memory that its threads share, and touches little of it. Without this limit, the C library
 * reuses the memory of ended services, and so has to write zeros over all of it.
 */
process.env.MALLOC_MMAP_THRESHOLD_ ??= '131072';

/** They start, race and kill whole processes. */
const WHOLE_PROCESSES = [
  'test/main/**/*.test.ts',
  'test/durability/**/*.test.ts',
  'test/deploy/**/*.test.ts',
];

/**
 * They compare times that are near their limits, so they run last, one by one, with nothing beside them. Where a limit
 * is many times what a test takes, its file may run beside others.
 */
const TIMING = [
  'test/durability/restart.test.ts',
  'test/keys/hashing.test.ts',
  'test/keys/timing.test.ts',
  'test/main/memory.test.ts',
  // At full length it sends as many requests as two cores can answer.
  'test/main/stops.test.ts',
];

/**
 * They race, kill, restart and fill up whole processes, wait long for something to end, or try thousands of cases. Each
 * start of a process computes for most of a second, so `npm run test:long` runs them, and `npm test` does not.
 */
const LONG_ALONE = [
  'test/apis/meta/docs-in-browser.test.ts',
  'test/apis/what-people-may-do.test.ts',
  'test/backup/interrupted.test.ts',
  'test/cluster/*.test.ts',
  'test/count-reporter.test.ts',
  'test/dashboard/!(busy-dialog|confirm-key|keyboard|keys|setup|sign-in|snippets).test.ts',
  'test/declared-keys/many.test.ts',
  'test/deploy/{logs,prefix,unit}.test.ts',
  'test/docs/commands.test.ts',
  'test/durability/*.test.ts',
  'test/keys/{hashing,listing-load}.test.ts',
  'test/lockout/threads.test.ts',
  'test/main/{command,compile-cache,dashboard-build,descriptors,full-disk,gateway-reload,gateway-sockets}.test.ts',
  'test/main/{gateway,gateway-tls,generated-clients,management,memory,metrics-port,package,refusals}.test.ts',
  'test/main/{socket-activation,start,stop,stops,tls,unix-socket,volume-modes,warnings}.test.ts',
  'test/types/types.test.ts',
  'test/workers/{hang,supervisor}.test.ts',
];

/** What can be seen of the service, whatever is below it. */
const ON_EITHER_DATABASE = [
  'test/*/**/*.test.ts',
  'test/compose.test.ts',
  'test/contract.test.ts',
  'test/storage.test.ts',
];

/** They start PostgreSQL, and stop and kill it. */
const CLUSTER = ['test/cluster/**/*.test.ts'];

const ONLY_POSTGRES = ['test/copy/**', 'test/db/postgres/**', 'test/doctor/server.test.ts'];

const ONLY_SQLITE = ['test/backup/**', 'test/db/sqlite/**', 'test/doctor/{doctor,findings}.test.ts'];

/** No database, or a browser that sees the API alone. */
const NO_DATABASE = [
  'test/apis/meta/docs-in-browser.test.ts',
  'test/auth/**',
  'test/cli/**',
  'test/client/**',
  'test/config/**',
  'test/dashboard/**',
  'test/db/epoch-cache.test.ts',
  'test/db/health.test.ts',
  'test/docs/**',
  'test/gateway-file/{file,mask,parse,random-edits,replace,rights,watch}.test.ts',
  'test/http/{dialects,server}/**',
  'test/import/{readers,read-proxbox}.test.ts',
  'test/lib/**',
  'test/limits/window.test.ts',
  'test/lockout/**',
  'test/tracing/**',
  'test/types/**',
  'test/upstreams/**',
  'test/usage/tokens.test.ts',
  'test/workers/**',
];

/** `npm test` tries these on both databases, and `npm run test:long` all that a database can change. */
const BOTH_AT_ONCE = [
  'test/bootstrap/bootstrap.test.ts',
  'test/compose.test.ts',
  'test/contract.test.ts',
  'test/copy/**/*.test.ts',
  'test/db/**/*.test.ts',
  'test/doctor/server.test.ts',
  'test/keys/keys.test.ts',
  'test/storage.test.ts',
];

/** `npm run test:long` runs the files that import LONG, those with tests that only root can run, and those of its own. */
const runs = (patterns: string[]) => (LONG ? longFiles(patterns) : patterns);

const longFiles = (patterns: string[]) =>
  globSync('test/**/*.test.ts')
    .filter((file) => patterns.some((pattern) => matchesGlob(file, pattern)))
    .filter(
      (file) =>
        LONG_ALONE.some((pattern) => matchesGlob(file, pattern)) ||
        /\/support\/(long|root)\.ts'/.test(readFileSync(file, 'utf8')),
    );

const others = LONG ? [] : LONG_ALONE;

const dialects = (process.env.DIALECTS ?? 'sqlite,postgres').split(',');

/** Two more than there are cores, since they wait for half of the time: for a limit to pass, or a process to end. */
const sideBySide = { maxWorkers: availableParallelism() + 2, isolate: false, sequence: { groupOrder: 0 } };

const alone = { fileParallelism: false, sequence: { groupOrder: 1 } };

const onSqlite = ['./test/support/sqlite-setup.ts'];

const sqlite = [
  {
    extends: true as const,
    test: {
      name: 'service',
      include: runs(['test/**/*.test.ts']),
      exclude: [...WHOLE_PROCESSES, ...CLUSTER, ...TIMING, ...ONLY_POSTGRES, ...others],
      globalSetup: onSqlite,
      ...sideBySide,
    },
  },
  {
    extends: true as const,
    test: {
      name: 'processes',
      include: runs(WHOLE_PROCESSES),
      exclude: [...TIMING, ...others],
      globalSetup: onSqlite,
      ...sideBySide,
    },
  },
];

const postgres = [
  {
    extends: true as const,
    test: {
      name: 'service on PostgreSQL',
      include: LONG ? ON_EITHER_DATABASE : BOTH_AT_ONCE,
      exclude: [...WHOLE_PROCESSES, ...CLUSTER, ...TIMING, ...ONLY_SQLITE, ...NO_DATABASE],
      globalSetup: ['./test/support/postgres-setup.ts'],
      ...sideBySide,
    },
  },
  {
    extends: true as const,
    test: {
      name: 'cluster',
      include: runs(CLUSTER),
      exclude: [...TIMING, ...others],
      globalSetup: onSqlite,
      ...sideBySide,
    },
  },
];

const timing = {
  extends: true as const,
  test: { name: 'timing', include: runs(TIMING), exclude: others, globalSetup: onSqlite, ...alone },
};

export default defineConfig({
  test: {
    reporters: ['default', './test/support/count-reporter.ts'],
    // No measures of speed: they end what hangs. A machine that does something else besides can be five times slower.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    projects: [
      ...(dialects.includes('sqlite') ? sqlite : []),
      ...(dialects.includes('postgres') ? postgres : []),
      timing,
    ],
  },
});
