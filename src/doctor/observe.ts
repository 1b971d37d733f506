import { createSecretKey } from 'node:crypto';
import { existsSync, type Stats, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { getuid, versions } from 'node:process';
import type { Config } from '../config.ts';
import { isSchemaBehind } from '../db/migrate.ts';
import { type Examination, examineFile } from '../db/sqlite/examine.ts';
import { expiryOf, readKeyPair } from '../http/server/certificate.ts';
import { isPlaceholder, type Weakness } from '../keys/weak-key.ts';
import { RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { isMountedSecret } from '../lib/secret-file.ts';
import { StartupError } from '../lib/startup-error.ts';
import { readDatabaseMarker } from '../pepper/database-marker.ts';
import { loadPepper, pepperCheck } from '../pepper/pepper.ts';
import type { DatabaseState, FileState, Observation } from './findings.ts';

const NEEDED_NODE = 24;

/** Reads what findings depend on, and changes nothing. A service may run. */
export async function observe(config: Config, clock: Pick<Clock, 'now'>): Promise<Observation> {
  const { database, dataDir, pepper } = config;
  const path = database.engine === 'sqlite' ? database.path : undefined;
  const peppers = pepper.from === 'file' ? [pepper.path] : [];
  // With a mounted pepper, the marker file is in the data directory.
  const markers = [...peppers, join(dataDir, 'pepper')].map((each) => `${each}.database-id`);
  const databases = path === undefined ? [] : ['', '-wal', '-shm'].map((suffix) => `${path}${suffix}`);
  // Before anything is opened: SQLite makes files, and the reader of a secret may take rights away.
  const opened = [dataDir, ...databases].flatMap((each) => stateOf(each));
  const files = [
    ...opened,
    ...peppers.flatMap((each) => stateOf(each, isMountedSecret)),
    ...[...new Set(markers)].flatMap((each) => stateOf(each)),
  ];
  const walBytes = path === undefined ? 0 : sizeOf(`${path}-wal`);
  const hasDatabase = path !== undefined && sizeOf(path) > 0;
  // SQLite would make files that the user of the service could not open.
  const isReadable = hasDatabase && opened.every(({ isOwn }) => isOwn);
  const examined = isReadable ? examineFile(path) : undefined;
  return {
    now: clock.now(),
    node: { version: versions.node, major: Number(versions.node.split('.')[0]), needed: NEEDED_NODE },
    directory: dataDir,
    files,
    freeBytes: freeBytes(dataDir),
    walBytes,
    hasDatabase,
    isPostgres: path === undefined,
    secretProblems: files.every(({ isOwn, isPrivate }) => isOwn && isPrivate)
      ? secretProblems(config, hasDatabase, examined)
      : [],
    database: examined && { path: path ?? '', ...databaseState(examined) },
    host: config.listen === undefined ? config.host : undefined,
    hasBootstrapToken: config.bootstrapToken !== undefined,
    certificate: config.tls && (await certificate(config.tls)),
  };
}

function stateOf(path: string, isFine: (status: Stats) => boolean = () => false): FileState[] {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status) return [];
  if (isFine(status)) return [{ path, isPrivate: true, isOwn: true }];
  return [{ path, isPrivate: (status.mode & 0o077) === 0, isOwn: status.uid === getuid?.() }];
}

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

function freeBytes(directory: string): number | undefined {
  if (!existsSync(directory)) return undefined;
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

function databaseState(examined: Examination): Omit<DatabaseState, 'path'> {
  const { damage, isOurs, isClaimed, migrations, newestAt, neverExpire, withoutFingerprint } = examined;
  const { firstKeyHint: hint } = examined;
  return {
    ...{ damage, isOurs, isClaimed, newestAt, neverExpire, withoutFingerprint },
    isBehind: isSchemaBehind(migrations),
    firstKeyWeakness: hint === undefined ? undefined : weaknessOfHint(hint),
  };
}

/** The beginning of a key is too short for a longer text to repeat in it. */
function weaknessOfHint(hint: string): Weakness | undefined {
  if (/^(.)\1+$/.test(hint)) return 'a repeated text';
  return isPlaceholder(RawKey(hint)) ? 'a sample from documentation' : undefined;
}

/** A pepper is read, and never made. */
function secretProblems(config: Config, hasDatabase: boolean, examined: Examination | undefined): string[] {
  if (!hasDatabase && config.database.engine === 'sqlite') return [];
  return [
    ...problemOf(() => {
      const pepper = loadPepper(config.pepper, true);
      const identity = examined?.identity;
      if (!identity || identity.pepper_check === null) return undefined;
      const { previousPepper } = config;
      const peppers = [pepper, ...(previousPepper ? [createSecretKey(previousPepper)] : [])];
      const fits = peppers.some((each) => pepperCheck(each)(identity.database_id) === identity.pepper_check);
      return fits ? undefined : 'The pepper does not fit the database.';
    }),
    ...problemOf(() => {
      const marker = readDatabaseMarker(config.pepper, config.dataDir);
      if (!examined?.identity || marker.databaseId === undefined) return undefined;
      if (marker.databaseId === examined.identity.database_id) return undefined;
      return `${marker.path} belongs to another database.`;
    }),
  ];
}

function problemOf(check: () => string | undefined): string[] {
  try {
    const problem = check();
    return problem === undefined ? [] : [problem];
  } catch (error) {
    if (error instanceof StartupError) return [error.message];
    throw error;
  }
}

async function certificate(files: { cert: string; key: string }) {
  try {
    return { path: files.cert, expiresAt: expiryOf(await readKeyPair(files)), problem: undefined };
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    return { path: files.cert, expiresAt: 0, problem: error.message };
  }
}
