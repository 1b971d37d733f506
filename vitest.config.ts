import { defineConfig } from 'vitest/config';

/** They start, race, time and kill whole processes, so they have the machine to themselves. */
const WHOLE_PROCESSES = [
  'test/main/**/*.test.ts',
  'test/durability/**/*.test.ts',
  'test/deploy/**/*.test.ts',
];

export default defineConfig({
  test: {
    reporters: ['default', './test/support/count-reporter.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'service',
          include: ['test/**/*.test.ts'],
          exclude: WHOLE_PROCESSES,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'processes',
          include: WHOLE_PROCESSES,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
