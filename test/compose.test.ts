import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compose } from '../src/compose.ts';
import { type Config, parseConfig } from '../src/config.ts';
import { systemClock } from '../src/lib/clock.ts';
import { createLogger } from '../src/lib/logger.ts';
import { type SharedMemory, sharedMemory } from '../src/shared-memory.ts';
import { databaseFor, sqlIn, temporaryDirectory } from './support/keyhearth.ts';
import { countThreads, expectClosed, openHandles } from './support/open-handles.ts';

const silent = createLogger('silent', { write: () => undefined });

type Setting = { config: Config; memory: SharedMemory };

/** Ways to make a part fail that comes after the database and the threads. */
const failures: [string, (setting: Setting) => Partial<Setting>, string?][] = [
  ['the bootstrap', () => ({}), 'drop table bootstrap_claim'],
  [
    'the lockout',
    ({ memory }) => ({
      memory: {
        ...memory,
        lockout: { ...memory.lockout, table: { ...memory.lockout.table, buffer: new SharedArrayBuffer(16) } },
      },
    }),
  ],
];

test.each(failures)(
  'all earlier parts are closed when a later one fails: %s',
  async (_, change, statement) => {
    const dataDir = temporaryDirectory();
    const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
    const setting = { config, memory: sharedMemory(config) };
    const start = (changed: Setting) => compose(changed.config, silent, systemClock, changed.memory);

    const keyhearth = await start(setting);
    expect(await openHandles(dataDir)).not.toEqual([]);
    const threadsWhileOpen = countThreads();
    await keyhearth.close();
    await expectClosed(dataDir);
    await expect.poll(countThreads).toBeLessThan(threadsWhileOpen);
    const threads = countThreads();
    const files = readdirSync(dataDir);
    if (statement) await sqlIn(dataDir, statement);

    const failed = start({ ...setting, ...change(setting) }).then(() => 'nothing failed');
    await expect(failed).rejects.toThrow();
    await expectClosed(dataDir);
    await expect.poll(countThreads).toBeLessThanOrEqual(threads);
    expect(readdirSync(dataDir)).toEqual(files);
  },
);
