import { createSecretKey } from 'node:crypto';
import { accessSync, constants, existsSync, type Stats, statfsSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { getuid, versions } from 'node:process';
import type { Config } from '../config.ts';
import type { DatabaseLocation } from '../db/location.ts';
import { displayName } from '../db/location.ts';
import { isSchemaBehind } from '../db/migrate.ts';
import { examineServer } from '../db/postgres/examine.ts';
import { examineFile } from '../db/sqlite/examine.ts';
import type { Db } from '../db/tables.ts';
import { expiryOf, readKeyPair } from '../http/server/certificate.ts';
import { isPlaceholder, type Weakness } from '../keys/weak-key.ts';
import { RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { errorCode } from '../lib/error-code.ts';
import { isMountedSecret } from '../lib/secret-file.ts';
import { StartupError } from '../lib/startup-error.ts';
import { readDatabaseMarker } from '../pepper/database-marker.ts';
import { loadPepper, pepperCheck } from '../pepper/pepper.ts';
import { type Contents, readContents } from './contents.ts';
import type { FileState, Observation } from './observation.ts';

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
  const all = [
    ...opened,
    ...peppers.flatMap((each) => stateOf(each, isMountedSecret)),
    ...[...new Set(markers)].flatMap((each) => stateOf(each)),
  ];
  // Of a directory of another user, the directory is the finding.
  const isHidden = opened.some((each) => each.path === dataDir && !each.isOwn);
  const files = all.filter((each) => !isHidden || !each.path.startsWith(`${dataDir}${sep}`));
  const now = clock.now();
  const walBytes = path === undefined ? 0 : sizeOf(`${path}-wal`);
  const unwritable = path === undefined ? [] : whatIsUnwritable(opened);
  // SQLite would make files that the user of the service could not open.
  const mayOpen = unwritable.length === 0 && opened.every(({ isOwn }) => isOwn);
  const { contents, ...examined } = await examine(database, mayOpen, (db) => readContents(db, now));
  // Its group may read it, as other programs of the machine use it too.
  const tlsKey = config.tls ? stateOf(config.tls.key, ({ mode }) => (mode & 0o007) === 0) : [];
  const areFilesFine = files.every(({ isOwn, isPrivate }) => isOwn && isPrivate);
  return {
    ...{ now, files: [...files, ...tlsKey], unwritable, walBytes, ...examined },
    node: { version: versions.node, major: Number(versions.node.split('.')[0]), needed: NEEDED_NODE },
    directory: dataDir,
    freeBytes: freeBytes(dataDir),
    databaseName: displayName(database),
    secretProblems:
      areFilesFine && examined.database.state !== 'missing' ? secretProblems(config, contents) : [],
    connections: database.engine === 'postgres' ? config.workers * (database.pool + 1) : 0,
    host: config.listen === undefined ? config.host : undefined,
    hasBootstrapToken: config.bootstrapToken !== undefined,
    pepperChange: pepperChange(config, contents, areFilesFine),
    trustedProxies: config.trustedProxies,
    certificate: config.tls && (await certificate(config.tls)),
  };
}

type Examination = Pick<Observation, 'database' | 'server'> & { contents: Contents | undefined };

async function examine(
  location: DatabaseLocation,
  mayOpen: boolean,
  read: (db: Db) => Promise<Contents>,
): Promise<Examination> {
  const nothing = { contents: undefined, server: undefined };
  if (location.engine === 'postgres') {
    const examined = await examineServer(location.url, read);
    if (examined.state === 'unreachable') return { ...nothing, database: examined };
    const { server } = examined;
    if (examined.state === 'missing') return { ...nothing, database: { state: 'missing' }, server };
    return { ...readable(examined.contents), server };
  }
  if (!mayOpen) return { ...nothing, database: { state: 'unopened' } };
  if (sizeOf(location.path) === 0) return { ...nothing, database: { state: 'missing' } };
  const examined = await examineFile(location.path, read);
  return examined.state === 'readable'
    ? { ...readable(examined.contents), server: undefined }
    : { ...nothing, database: examined };
}

function readable(contents: Contents): Pick<Examination, 'database' | 'contents'> {
  const { migrations, clients, firstKeyHint: hint, ...counts } = contents;
  const { isClaimed, newestAt, neverExpire, withoutFingerprint, withoutHash, unmoved } = counts;
  const firstKeyWeakness = hint === undefined ? undefined : weaknessOfHint(hint);
  const keys = {
    ...{ isClaimed, newestAt, neverExpire, withoutFingerprint, withoutHash, unmoved, firstKeyWeakness },
    isBehind: isSchemaBehind(migrations),
  };
  return { database: { state: 'readable', keys, clients }, contents };
}

function stateOf(path: string, isFine: (status: Stats) => boolean = () => false): FileState[] {
  const status = statusOf(path);
  if (status === 'hidden') return [{ path, isPrivate: true, isOwn: false }];
  if (!status) return [];
  if (isFine(status)) return [{ path, isPrivate: true, isOwn: true }];
  return [{ path, isPrivate: (status.mode & 0o077) === 0, isOwn: status.uid === getuid?.() }];
}

/** `hidden`: it may exist, in a directory that this user may not read. */
function statusOf(path: string): Stats | 'hidden' | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errorCode(error) === 'EACCES') return 'hidden';
    throw error;
  }
}

/** Of a read-only file system, the first path is enough. */
function whatIsUnwritable(files: readonly FileState[]): Observation['unwritable'] {
  const all = files.flatMap(whyUnwritable);
  return all[0]?.reason === 'EROFS' ? all.slice(0, 1) : all;
}

function whyUnwritable({ path, isOwn }: FileState): Observation['unwritable'] {
  if (!isOwn) return [];
  try {
    accessSync(path, constants.W_OK);
    return [];
  } catch (error) {
    return [{ path, reason: errorCode(error) ?? String(error) }];
  }
}

function sizeOf(path: string): number {
  const status = statusOf(path);
  return typeof status === 'object' ? status.size : 0;
}

function freeBytes(directory: string): number | undefined {
  if (!existsSync(directory)) return undefined;
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** The beginning of a key is too short for a longer text to repeat in it. */
function weaknessOfHint(hint: string): Weakness | undefined {
  if (/^(.)\1+$/.test(hint)) return 'a repeated text';
  return isPlaceholder(RawKey(hint)) ? 'a sample from documentation' : undefined;
}

/** A pepper is read, and never made. */
function secretProblems(config: Config, contents: Contents | undefined): string[] {
  const identity = contents?.identity;
  return [
    ...problemOf(() => {
      const pepper = loadPepper(config.pepper, true);
      if (!identity || identity.pepper_check === null) return undefined;
      const { previousPepper } = config;
      const peppers = [pepper, ...(previousPepper ? [createSecretKey(previousPepper)] : [])];
      const fits = peppers.some((each) => pepperCheck(each)(identity.database_id) === identity.pepper_check);
      return fits
        ? undefined
        : 'The pepper does not fit the database. If the pepper was changed, KEYHEARTH_PEPPER_PREVIOUS is missing.';
    }),
    ...problemOf(() => {
      const marker = readDatabaseMarker(config.pepper, config.dataDir);
      if (!identity || marker.databaseId === undefined || marker.databaseId === identity.database_id)
        return undefined;
      return `${marker.path} belongs to another database.`;
    }),
  ];
}

/** Whether the database has the present pepper already, while a previous one is set. */
function pepperChange(
  config: Config,
  contents: Contents | undefined,
  areFilesFine: boolean,
): Observation['pepperChange'] {
  if (config.previousPepper === undefined) return 'none';
  if (!areFilesFine) return 'unknown';
  const identity = contents?.identity;
  let isPresent = false;
  // What is wrong with the pepper is a finding of its own.
  problemOf(() => {
    if (!identity) return undefined;
    const check = pepperCheck(loadPepper(config.pepper, true))(identity.database_id);
    isPresent = check === identity.pepper_check;
    return undefined;
  });
  return isPresent ? 'begun' : 'unknown';
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
