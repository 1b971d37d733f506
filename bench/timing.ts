import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../deploy/cluster/postgres.ts';
import { generateRawKey } from '../src/keys/key-format.ts';
import { aucOf } from './auc.ts';
import { progress, runCommand } from './command.ts';
import { makeWorkDirectory, startKeyhearth } from './processes.ts';
import { makeDataDirectory } from './seed.ts';
import { openStopwatch, requestWith } from './stopwatch.ts';
import { HIGHEST, LOWEST, shuffled, type TimingFigures, withBounds } from './timing-figures.ts';
import { insertKeys, type KeysByKind, KINDS, pairsOf } from './timing-keys.ts';
import { measureSignInTiming } from './timing-sign-in.ts';

/** Whether the time of an answer tells which kind of invalid key was sent. */

const SAMPLES = 5_000;
/** bcrypt makes them slow. */
const SIGN_INS = 800;
const FEWEST_SAMPLES = 100;
/** The first requests of a process run code that is not compiled yet. */
const WARM_UP = 2_000;
/**
 * Sends invalid keys of all kinds in random order over one connection, and compares the times of the answers.
 * @param name of the folder that it makes in the directory
 * @param samples of each kind
 * @param database the environment variables that name it; none for SQLite
 */
export async function measureTiming(
  name: string,
  samples: number,
  directory: string,
  database: Record<string, string> = {},
): Promise<TimingFigures[]> {
  const dataDir = join(directory, name);
  mkdirSync(dataDir, { mode: 0o700 });
  await makeDataDirectory(dataDir, directory, database);
  const env = { KEYHEARTH_DATA_DIR: dataDir, ...database };
  const keys: Record<string, readonly string[]> = {};
  for (const kind of Object.keys(KINDS))
    keys[kind] = await insertKeys(env, samples, kind as keyof typeof KINDS);
  const pairs = pairsOf(samples, keys as KeysByKind);
  const requests = pairs.flatMap(({ ones, others }) => [...samplesOf(ones), ...samplesOf(others)]);

  const server = await startKeyhearth('timing', dataDir, directory, {
    ...database,
    KEYHEARTH_LOCKOUT_ATTEMPTS: '0',
  });
  const stopwatch = await openStopwatch(Number(new URL(server.origin).port));
  for (let i = 0; i < WARM_UP; i++) await stopwatch.refusal(requestWith(generateRawKey()));
  for (const { request, times } of shuffled(requests)) times.push(await stopwatch.refusal(request));
  stopwatch.close();
  await server.stop();

  return pairs.map(({ name, ones, others }) => {
    return withBounds(name, aucOf(ones.times, others.times));
  });
}

/** Made before the clock runs. */
const samplesOf = ({ keys, times }: { keys: readonly string[]; times: number[] }) =>
  keys.map((key) => ({ request: requestWith(key), times }));

/** Prints the figures. @returns whether all of them are within the bounds */
async function report(
  name: string,
  samples: number,
  directory: string,
  database?: Record<string, string>,
): Promise<boolean> {
  progress(`${name}: ${samples} samples of each kind`);
  const figures = [
    ...(await measureTiming(name, samples, directory, database)),
    ...(await measureSignInTiming(name, SIGN_INS, directory, database)),
  ];
  for (const { pair, auc, low, high, isWithin } of figures) {
    const interval = `${low.toFixed(3)} to ${high.toFixed(3)}`;
    process.stdout.write(`${name}  ${auc.toFixed(3)} (${interval})  ${pair}${isWithin ? '' : '  OUTSIDE'}\n`);
  }
  return figures.every(({ isWithin }) => isWithin);
}

async function run(): Promise<void> {
  const samples = Number(process.argv[2] ?? SAMPLES);
  if (!Number.isInteger(samples) || samples < FEWEST_SAMPLES)
    throw new Error(`the number of samples must be ${FEWEST_SAMPLES} or more`);
  const directory = makeWorkDirectory('keyhearth-timing-');
  const isWithinOnSqlite = await report('SQLite', samples, directory);
  const postgres = await startPostgres();
  const isWithinOnPostgres = await report('PostgreSQL', samples, directory, { DATABASE_URL: postgres.url });
  await postgres.remove();
  if (!isWithinOnSqlite || !isWithinOnPostgres)
    throw new Error(`an AUC is not between ${LOWEST} and ${HIGHEST}: the time of an answer tells keys apart`);
}

if (import.meta.main) await runCommand('bench:timing', run);
