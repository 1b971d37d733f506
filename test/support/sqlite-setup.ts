import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { parseConfig } from '../../src/config.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { openStorage } from '../../src/storage.ts';
import { PARENT } from './parent.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A data directory after a first start, which the tests copy; undefined where they use PostgreSQL. */
    afterFirstStart: string | undefined;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const directory = mkdtempSync(join(PARENT, 'keyhearth-test-'));
  const logger = createLogger('silent', process.stderr);
  const storage = await openStorage(parseConfig({ KEYHEARTH_DATA_DIR: directory }), logger);
  await storage.close();
  project.provide('postgres', { server: undefined });
  project.provide('afterFirstStart', directory);
  return () => rmSync(directory, { recursive: true });
}
