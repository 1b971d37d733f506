import { readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { createDeclaredKeys, type Synced } from '../../src/declared-keys/sync.ts';
import { fingerprinter } from '../../src/keys/digests.ts';
import { RawKey } from '../../src/lib/brand.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { openStorage } from '../../src/storage.ts';
import { databaseFor } from './keyhearth.ts';

/** A key, or a key and its label. */
export type Line = string | readonly [string, string];

export const declaredKeys = (lines: readonly Line[]) =>
  lines
    .map((line) => (typeof line === 'string' ? ([line, ''] as const) : line))
    .map(([key, label]) => ({ rawKey: RawKey(key), label }));

export type Declare = (
  lines: readonly Line[],
  gateway?: string,
  isCurrent?: () => boolean,
) => Promise<Synced>;

/** Makes the rows of a data directory the same as a list, as a gateway does with its file. */
export async function declaring(dataDir: string, clock = systemClock): Promise<Declare> {
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
  const storage = await openStorage(config, createLogger('silent', { write: () => undefined }));
  onTestFinished(() => storage.close());
  const { sync } = createDeclaredKeys({
    db: storage.db,
    fingerprintOf: fingerprinter(storage.pepper),
    clock,
  });
  return (lines, gateway = 'default', isCurrent = () => true) =>
    sync(gateway, declaredKeys(lines), isCurrent);
}

/** The lines of a file, and whether it still has them. */
export function linesOf(file: string) {
  const text = readFileSync(file, 'utf8');
  return {
    lines: text.split('\n').filter((line) => line !== ''),
    isCurrent: () => readFileSync(file, 'utf8') === text,
  };
}
