import { isLoopbackHost } from '../lib/loopback.ts';

/** An error needs you now, a warning soon. An information is good to know. */
export type Level = 'error' | 'warning' | 'info';

export type Finding = Readonly<{
  level: Level;
  /** A stable name, for scripts. */
  check: string;
  /** What is so. */
  finding: string;
  /** What to do. */
  advice: string;
}>;

/** A file or a directory. */
export type FileState = Readonly<{ path: string; isPrivate: boolean; isOwn: boolean }>;

/** What the doctor sees of a system. */
export type Observation = Readonly<{
  now: number;
  node: Readonly<{ version: string; major: number; needed: number }>;
  directory: string;
  files: readonly FileState[];
  freeBytes: number | undefined;
  walBytes: number;
  /** What is wrong with the pepper or the marker file, as sentences that say what to do. */
  secretProblems: readonly string[];
  /** Undefined when it is missing, belongs to another user, or is PostgreSQL. */
  database: DatabaseState | undefined;
  isPostgres: boolean;
  hasDatabase: boolean;
  /** Where the service listens; undefined for a socket. */
  host: string | undefined;
  hasBootstrapToken: boolean;
  /** Undefined without TLS. `problem`: why it cannot be used. */
  certificate: Readonly<{ path: string; expiresAt: number; problem: string | undefined }> | undefined;
}>;

export type DatabaseState = Readonly<{
  path: string;
  damage: string | undefined;
  isOurs: boolean;
  isClaimed: boolean;
  isBehind: boolean;
  newestAt: number;
  neverExpire: number;
  withoutFingerprint: number;
  firstKeyWeakness: string | undefined;
}>;

const DAY_MS = 86_400_000;
const CLOCK_TOLERANCE_MS = 5 * 60_000;
const MOST_WAL_BYTES = 256 * 2 ** 20;
const FEW_BYTES = 100 * 2 ** 20;
const SOME_BYTES = 2 ** 30;

const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`;
const found = (level: Level, check: string, finding: string, advice: string): Finding => ({
  ...{ level, check, finding, advice },
});

/** All findings, the worst first. */
export function findingsOf(seen: Observation): Finding[] {
  const all = [...ofMachine(seen), ...ofFiles(seen), ...ofDatabase(seen), ...ofCertificate(seen)];
  const order: readonly Level[] = ['error', 'warning', 'info'];
  return order.flatMap((level) => all.filter((finding) => finding.level === level));
}

function* ofMachine({ node, freeBytes, directory }: Observation): Generator<Finding> {
  if (node.major < node.needed)
    yield found('error', 'node', `This is Node ${node.version}.`, `Install Node ${node.needed} or newer.`);
  if (freeBytes === undefined || freeBytes >= SOME_BYTES) return;
  yield found(
    freeBytes < FEW_BYTES ? 'error' : 'warning',
    'disk_space',
    `The disk of ${directory} has ${megabytes(freeBytes)} left.`,
    'Free some space. On a full disk, Keyhearth refuses all changes.',
  );
}

function* ofFiles({ files, secretProblems, walBytes }: Observation): Generator<Finding> {
  for (const { path, isPrivate, isOwn } of files) {
    if (!isOwn)
      yield found(
        'error',
        'owner',
        `${path} belongs to another user.`,
        `Run this as the user of the service, or give the file to that user: chown keyhearth ${path}`,
      );
    if (!isPrivate)
      yield found('error', 'mode', `Other users can read or change ${path}.`, `Run: chmod go= ${path}`);
  }
  for (const problem of secretProblems)
    yield found('error', 'pepper', problem, 'See docs/lost-pepper.md and docs/backup.md.');
  if (walBytes > MOST_WAL_BYTES)
    yield found(
      'warning',
      'wal_size',
      `The write-ahead log of the database has ${megabytes(walBytes)}.`,
      'End programs that keep the database open, such as sqlite3, then restart Keyhearth.',
    );
}

function* ofDatabase(seen: Observation): Generator<Finding> {
  const { database, isPostgres, hasDatabase, directory } = seen;
  if (isPostgres)
    yield found(
      'info',
      'postgresql',
      'The database is PostgreSQL, and doctor checks databases of SQLite alone.',
      'Use the tools of PostgreSQL, such as pg_amcheck.',
    );
  else if (!hasDatabase)
    yield found(
      'error',
      'database',
      `There is no database in ${directory}.`,
      'Set KEYHEARTH_DATA_DIR as for the service, start it for the first time, or restore a backup.',
    );
  if (!database) return;
  const { path, damage, isOurs } = database;
  if (damage !== undefined)
    yield found(
      'error',
      'integrity',
      `${path} is damaged or cannot be read (${damage}).`,
      'Stop Keyhearth, check the disk, and restore the newest backup with: keyhearth restore',
    );
  else if (!isOurs)
    yield found('error', 'database', `${path} is of another program.`, 'Set KEYHEARTH_DATA_DIR correctly.');
  else yield* ofKeys(seen, database);
}

function* ofKeys({ now, host, hasBootstrapToken }: Observation, database: DatabaseState): Generator<Finding> {
  const { isClaimed, isBehind, newestAt, neverExpire, withoutFingerprint, firstKeyWeakness } = database;
  if (newestAt > now + CLOCK_TOLERANCE_MS)
    yield found(
      'error',
      'clock',
      `The clock says ${new Date(now).toISOString()}, but a key was used or made at ${new Date(newestAt).toISOString()}.`,
      'Set the clock. While it is slow, keys expire too late.',
    );
  if (isBehind)
    yield found(
      'info',
      'schema',
      'The schema of the database is older than this version.',
      'The next start brings it up to date. Make a backup before that.',
    );
  if (!isClaimed && !hasBootstrapToken && host !== undefined && !isLoopbackHost(host))
    yield found(
      'error',
      'bootstrap',
      `Nobody has registered the first key, and anybody who reaches ${host} can do so.`,
      'Register it now, or set KEYHEARTH_BOOTSTRAP_TOKEN.',
    );
  if (firstKeyWeakness !== undefined)
    yield found(
      'error',
      'weak_key',
      `Anybody can guess the first key: its beginning is ${firstKeyWeakness}.`,
      'Rotate it with: keyhearth keys rotate',
    );
  if (neverExpire > 1)
    yield found(
      'info',
      'no_expiry',
      `Active keys that never expire: ${neverExpire}.`,
      'One key that manages keys must not expire. Give others an expiry: keyhearth keys update --help',
    );
  if (withoutFingerprint > 0)
    yield found(
      'info',
      'no_fingerprint',
      `Active keys without a fingerprint: ${withoutFingerprint}.`,
      'Each gets one at its next use. Delete those that nobody uses, since unknown keys must be compared with all of them.',
    );
}

function* ofCertificate({ certificate, now }: Observation): Generator<Finding> {
  if (!certificate) return;
  const { path, expiresAt, problem } = certificate;
  const days = Math.floor((expiresAt - now) / DAY_MS);
  if (problem !== undefined) yield found('error', 'tls', problem, 'See docs/tls.md.');
  else if (days < 14)
    yield found(
      days < 2 ? 'error' : 'warning',
      'tls',
      days < 0 ? `The certificate ${path} has expired.` : `The certificate ${path} expires in ${days} days.`,
      'Renew it. Keyhearth reads the new one without a restart.',
    );
}
