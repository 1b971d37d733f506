import { globSync, readFileSync } from 'node:fs';
import { matchesGlob } from 'node:path';
import { defineConfig } from 'vitest/config';
import { LONG } from './test/support/long.ts';

/** They start, race, time and kill whole processes, so they have the machine to themselves. */
const WHOLE_PROCESSES = [
  'test/main/**/*.test.ts',
  'test/durability/**/*.test.ts',
  'test/deploy/**/*.test.ts',
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

const ONLY_POSTGRES = ['test/db/postgres/**/*.test.ts'];

const ONLY_SQLITE = ['test/db/sqlite/**'];

const NO_DATABASE = [
  'test/auth/**',
  'test/db/epoch-cache.test.ts',
  'test/db/health.test.ts',
  'test/docs/**',
  'test/lockout/**',
  'test/types/**',
  'test/workers/**',
];

/** `npm run test:long` runs the test files that import LONG; `npm test` runs all files, with shorter loops. */
const runs = (patterns: string[]) => (LONG ? filesWithLongTests(patterns) : patterns);

const filesWithLongTests = (patterns: string[]) =>
  globSync('test/**/*.test.ts')
    .filter((file) => patterns.some((pattern) => matchesGlob(file, pattern)))
    .filter((file) => readFileSync(file, 'utf8').includes("/support/long.ts'"));

const dialects = (process.env.DIALECTS ?? 'sqlite,postgres').split(',');

const sqlite = [
  {
    extends: true as const,
    test: {
      name: 'service',
      include: runs(['test/**/*.test.ts']),
      exclude: [...WHOLE_PROCESSES, ...CLUSTER, ...ONLY_POSTGRES],
      globalSetup: ['./test/support/sqlite-setup.ts'],
      sequence: { groupOrder: 0 },
    },
  },
  {
    extends: true as const,
    test: {
      name: 'processes',
      include: runs(WHOLE_PROCESSES),
      globalSetup: ['./test/support/sqlite-setup.ts'],
      fileParallelism: false,
      sequence: { groupOrder: 2 },
    },
  },
];

const postgres = [
  {
    extends: true as const,
    test: {
      name: 'service on PostgreSQL',
      include: runs(ON_EITHER_DATABASE),
      exclude: [...WHOLE_PROCESSES, ...CLUSTER, ...ONLY_SQLITE, ...NO_DATABASE],
      globalSetup: ['./test/support/postgres-setup.ts'],
      sequence: { groupOrder: 1 },
    },
  },
  {
    extends: true as const,
    test: {
      name: 'cluster',
      include: runs(CLUSTER),
      globalSetup: ['./test/support/sqlite-setup.ts'],
      fileParallelism: false,
      sequence: { groupOrder: 3 },
    },
  },
];

export default defineConfig({
  test: {
    reporters: ['default', './test/support/count-reporter.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    projects: [
      ...(dialects.includes('sqlite') ? sqlite : []),
      ...(dialects.includes('postgres') ? postgres : []),
    ],
  },
});
