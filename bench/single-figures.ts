import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Generator } from './load.ts';
import { residentMb, settle, startKeyhearth } from './processes.ts';
import { assertExpected } from './rounds.ts';
import { SINGLE } from './scenarios.ts';
import { postKey } from './seed.ts';
import { median } from './statistics.ts';

/** What is measured by itself, and not in rounds. */

const STARTS = 5;
const MEMORY_SECONDS = 4;
const LOCK_SECONDS = 10;

const CREATIONS = 15;

const EVERY_SETTING = {
  label: 'bench',
  owner: 'bench',
  prefix: 'bench',
  scopes: ['invoices:read', 'orders:*'],
  expires_in: '90d',
  allowed_ips: ['203.0.113.0/24', '2001:db8::/32'],
  rate_limits: [
    { name: 'burst', limit: 20, window: '1s' },
    { name: 'day', limit: 10_000, window: '1d' },
  ],
  metadata: { team: 'billing', about: 'x'.repeat(1_000) },
};

const LOCK_HOLDER = join(import.meta.dirname, 'hold-lock.ts');

/** Milliseconds from the start of the process to the first 200 of `/health`. */
export async function startTime(dataDir: string, directory: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const server = await startKeyhearth('start', dataDir, directory);
    times.push(server.startMs);
    await server.stop();
  }
  return median(times);
}

/** How fast a key with every setting is created, beside a key with none: the median ratio of rounds. */
export async function creationRatio(dataDir: string, keysFile: string, directory: string): Promise<number> {
  const server = await startKeyhearth('creation', dataDir, directory);
  const rawKey = readFileSync(keysFile, 'utf8').trim();
  const msToCreate = async (settings: object) => {
    const start = performance.now();
    await postKey(server.origin, rawKey, settings);
    return performance.now() - start;
  };
  await msToCreate({});
  const rounds: number[] = [];
  for (let round = 0; round < CREATIONS; round++) {
    const plain = await msToCreate({});
    rounds.push(plain / (await msToCreate(EVERY_SETTING)));
  }
  await server.stop();
  return median(rounds);
}

/** Resident memory in MB of a fresh process, at rest after some seconds of verifications. */
export async function memoryAfterTraffic(
  dataDir: string,
  keysFile: string,
  directory: string,
  generator: Generator,
  runs: number,
): Promise<number> {
  const sizes: number[] = [];
  for (let i = 0; i < runs; i++) {
    const server = await startKeyhearth('memory', dataDir, directory);
    const figures = await generator.drive({
      url: `${server.origin}/auth/verify`,
      keysFile,
      ...SINGLE,
      seconds: MEMORY_SECONDS,
      countStatuses: false,
    });
    assertExpected('verify, for its memory', 200, figures, false);
    await settle(server);
    sizes.push(residentMb(server.pid));
    await server.stop();
  }
  return median(sizes);
}

/** p99 in milliseconds while another process holds the write lock, and use counts wait to be written. */
export async function p99UnderLock(
  dataDir: string,
  keysFile: string,
  directory: string,
  generator: Generator,
): Promise<number> {
  const server = await startKeyhearth('lock', dataDir, directory);
  const load = { url: `${server.origin}/auth/verify`, keysFile, ...SINGLE, countStatuses: false };
  await generator.drive({ ...load, seconds: 2 });
  const holder = spawn(process.execPath, [LOCK_HOLDER, join(dataDir, 'keyhearth.db'), String(LOCK_SECONDS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const released = once(holder, 'exit');
  await Promise.race([once(holder.stdout, 'data'), released]);
  if (holder.exitCode !== null) throw new Error('The write lock could not be had.');
  // Ends with the lock: what comes after it must not make the figure better.
  const figures = await generator.drive({ ...load, seconds: LOCK_SECONDS - 1 });
  if (holder.exitCode !== null) throw new Error('The write lock was given up before the load was over.');
  assertExpected('verify, while the database is locked', 200, figures, false);
  await released;
  await server.stop();
  return figures.p99Ms;
}
