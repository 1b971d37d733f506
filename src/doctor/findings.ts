import type { UnknownName } from '../config/names.ts';
import { type Finding, found, type Level, megabytes } from './finding.ts';
import { ofKeys } from './key-findings.ts';
import type { Observation } from './observation.ts';
import { ofProxies } from './proxy-findings.ts';
import { ofServer } from './server-findings.ts';
import { ofSettings } from './setting-findings.ts';

const DAY_MS = 86_400_000;
const MOST_WAL_BYTES = 256 * 2 ** 20;
const FEW_BYTES = 100 * 2 ** 20;
const SOME_BYTES = 2 ** 30;

/** All findings, the worst first. @param unknown variables with our prefix that are no settings */
export function findingsOf(seen: Observation, unknown: readonly UnknownName[] = []): Finding[] {
  const all = [
    ...ofSettings(unknown),
    ...ofMachine(seen),
    ...ofFiles(seen),
    ...ofDatabase(seen),
    ...ofCertificate(seen),
  ];
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

function* ofFiles({ files, unwritable, secretProblems, walBytes }: Observation): Generator<Finding> {
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
  for (const { path, reason } of unwritable)
    yield found(
      'error',
      'read_only',
      `${path} cannot be written (${reason}), so Keyhearth does not start.`,
      reason === 'EROFS'
        ? 'Its file system is read-only. Find out why, since a failing disk can be the reason, and mount it for writing.'
        : `Run: chmod u+rwX ${path}`,
    );
  for (const problem of secretProblems)
    yield found(
      'error',
      'pepper',
      problem,
      'See docs/backup.md, docs/change-pepper.md and docs/lost-pepper.md.',
    );
  if (walBytes > MOST_WAL_BYTES)
    yield found(
      'warning',
      'wal_size',
      `The write-ahead log of the database has ${megabytes(walBytes)}.`,
      'End programs that keep the database open, such as sqlite3, then restart Keyhearth.',
    );
}

function* ofDatabase(seen: Observation): Generator<Finding> {
  const { database, databaseName: name, server } = seen;
  if (server) yield* ofServer(seen, server);
  switch (database.state) {
    case 'missing':
      return yield found(
        'error',
        'database',
        `There is no database of Keyhearth at ${name}.`,
        'Set KEYHEARTH_DATA_DIR or DATABASE_URL as for the service, start it for the first time, or restore a backup.',
      );
    case 'unreachable':
      return yield found(
        'error',
        'database',
        `Cannot use the database ${name} (${database.reason}).`,
        'Check DATABASE_URL, and that the server takes connections. See docs/postgresql.md.',
      );
    case 'damaged':
      return yield found(
        'error',
        'integrity',
        `${name} is damaged or cannot be read (${database.reason}).`,
        'Stop Keyhearth, check the disk, and restore the newest backup with: keyhearth restore',
      );
    case 'log_lost':
      return yield found(
        'error',
        'integrity',
        `The write-ahead log ${database.log} was removed or replaced. It has the newest changes.`,
        'Keep all files. If Keyhearth runs, stop it with SIGTERM, never with SIGKILL: it then writes the changes into the database. Run doctor again before you start it. If Keyhearth does not run, put the log back, or restore the newest backup. See docs/database-problems.md.',
      );
    case 'foreign':
      return yield found(
        'error',
        'database',
        `${name} is of another program.`,
        'Set KEYHEARTH_DATA_DIR correctly.',
      );
    case 'readable':
      yield* ofKeys(seen, database.keys);
      return yield* ofProxies(seen.trustedProxies, database.clients);
    case 'unopened':
      return;
  }
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
