import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { DeclaredKey } from '../../src/gateway-file/config.ts';
import type { Synced } from '../../src/gateway-file/live.ts';
import { openLiveConfig } from '../../src/gateway-file/open.ts';
import { allocateReloads } from '../../src/gateway-file/reload-memory.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';

export const KEY_A = 'team-a-key-abc123-with-32-characters';
export const KEY_B = 'team-b-key-def456-with-32-characters';
export const withKeys = (...keys: string[]) => `api-keys:\n${keys.map((key) => `  - ${key}\n`).join('')}`;

/** Threads of one process that follow the same file, and a store of keys in memory. */
export function processWithFile(text: string, path = join(temporaryDirectory(), 'config.yaml')) {
  writeFileSync(path, text, { mode: 0o600 });
  const memory = allocateReloads();
  const { clock } = fakeClock();
  const lines: { level: string; msg: string; added?: string[]; removed?: string[] }[] = [];
  const logger = createLogger('info', {
    write: (written) =>
      void lines.push(
        ...written
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ),
  });
  const store = {
    keys: [] as readonly DeclaredKey[],
    /** Called in each transaction, before the file is read again. */
    inTransaction: () => {},
    changes: 0,
    hashes: 0,
  };

  async function sync(keys: readonly DeclaredKey[], isCurrent: () => boolean): Promise<Synced> {
    await Promise.resolve();
    store.inTransaction();
    if (!isCurrent()) return { state: 'stale' };
    if (JSON.stringify(keys) === JSON.stringify(store.keys)) return { state: 'unchanged' };
    const [now, before] = [keys, store.keys].map((list) => list.map(({ rawKey }) => rawKey.slice(0, 6)));
    store.keys = keys;
    store.changes++;
    return { state: 'changed', added: now ?? [], removed: before ?? [], foreign: [], forgotten: [] };
  }

  const hash = async (secret: string) => {
    store.hashes++;
    return `$2b$04$${Buffer.from(secret).toString('hex').padEnd(53, '0').slice(0, 53)}`;
  };

  const hadKeys = async () => store.keys.length > 0;

  /** It follows the file by itself only with `watch`. */
  async function thread(watch = { settleMs: 60_000, pollMs: 60_000 }) {
    const live = await openLiveConfig({ path, hash, sync, hadKeys, memory, logger, clock, watch });
    onTestFinished(() => live.close());
    return live;
  }

  return {
    path,
    store,
    lines,
    thread,
    accepted: () => store.keys.map(({ rawKey }) => String(rawKey)),
    messages: () => lines.map(({ msg }) => msg),
    read: () => readFileSync(path, 'utf8'),
    /** As editors do it: another file takes its place. */
    write(written: string) {
      writeFileSync(`${path}.new`, written, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },
  };
}
