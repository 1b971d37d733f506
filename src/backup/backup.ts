import { randomUUID } from 'node:crypto';
import { existsSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { getuid } from 'node:process';
import { setImmediate } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { copyDatabase, inspectFile } from '../db/sqlite/whole-file.ts';
import { errorCode } from '../lib/error-code.ts';
import { isMissing, syncFile } from '../lib/private-files.ts';
import { Refusal } from '../lib/refusal.ts';
import type { ReportProgress } from '../lib/report-progress.ts';

export type Backup = Readonly<{ file: string; bytes: number; databaseId: string }>;

export type Settings = Pick<Config, 'database' | 'dataDir' | 'pepper' | 'previousPepper'>;

/**
 * Writes the database to a new file, also while the service runs. The file appears when it is complete and checked.
 * @param interrupted aborts just before the process ends
 * @throws Refusal
 */
export async function backUp(
  config: Settings,
  target: string,
  report: ReportProgress,
  interrupted: AbortSignal,
): Promise<Backup> {
  const path = databasePath(config);
  if (isMissing(path))
    throw new Refusal('not_found', `There is no database at ${path}; set KEYHEARTH_DATA_DIR.`);
  assertOwner(path);
  if (target === '-' || target === '')
    throw new Refusal('failed', 'A backup needs the path of a new file; it cannot go to standard output.');
  const file = resolve(target);
  assertFree(file);
  assertApartFromPepper(config, file);
  const draft = `${file}.${randomUUID()}`;
  const removeDraft = () => removeDatabase(draft);
  interrupted.addEventListener('abort', removeDraft);
  try {
    await copyDatabase(path, draft, (done, total) => report('Copying the database', done, total));
    report('Checking the copy');
    const { damage, isOurs, identity } = inspectFile(draft);
    if (damage !== undefined || !isOurs || identity === undefined)
      throw new Refusal(
        'failed',
        `The copy of ${path} is not a sound database of Keyhearth (${damage ?? 'it has no identity'}), so there is no backup; see docs/database-problems.md.`,
      );
    syncFile(draft);
    await untilSignalsAreHandled();
    assertFree(file);
    renameSync(draft, file);
    syncFile(dirname(file));
    return { file, bytes: statSync(file).size, databaseId: identity.database_id };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(
      'failed',
      `Cannot write the backup ${file} (${errorCode(error)}); check the permissions and the free space of its directory.`,
    );
  } finally {
    removeDraft();
    interrupted.removeEventListener('abort', removeDraft);
  }
}

export function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
}

/**
 * A check of a large file blocks the process for seconds. After an interruption in this time, nothing more may happen.
 * Between two calls of `setImmediate`, Node handles the signals that have arrived.
 */
export async function untilSignalsAreHandled(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

/** @throws Refusal for PostgreSQL */
export function databasePath({ database }: Settings): string {
  if (database.engine === 'sqlite') return database.path;
  throw new Refusal(
    'failed',
    'This works with SQLite alone. Back PostgreSQL up with pg_dump, and restore it with pg_restore; see docs/backup.md.',
  );
}

/** SQLite makes files beside the database. If they belonged to another user, the service could not open them. */
export function assertOwner(path: string): void {
  if (ownerOf(path) === getuid?.()) return;
  throw new Refusal(
    'failed',
    `${path} belongs to another user; run this as the user of the service, for example with: sudo -u keyhearth`,
  );
}

/** Undefined when another user hides it from this one. */
function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch (error) {
    if (errorCode(error) === 'EACCES') return undefined;
    throw error;
  }
}

function assertFree(file: string): void {
  if (!existsSync(file)) return;
  throw new Refusal(
    'conflict',
    `${file} exists already; name a new file, for example with the date in its name.`,
  );
}

/** Somebody with both can test guesses of keys. */
function assertApartFromPepper({ pepper, dataDir }: Settings, file: string): void {
  if (!existsSync(dirname(file)))
    throw new Refusal(
      'not_found',
      `There is no directory ${dirname(file)}; make it with: mkdir -m 700 -p ${dirname(file)}`,
    );
  const inDataDir = join(dataDir, 'pepper');
  const peppers = pepper.from === 'file' ? [pepper.path, inDataDir] : [inDataDir];
  const folder = `${realpathSync(dirname(file))}${sep}`;
  const isBeside = peppers.some(
    (path) =>
      existsSync(path) &&
      // A symbolic link may lead to a pepper elsewhere.
      [realpathSync(dirname(path)), dirname(realpathSync(path))].some((place) =>
        folder.startsWith(`${place}${sep}`),
      ),
  );
  if (!isBeside) return;
  throw new Refusal(
    'conflict',
    `${dirname(file)} has the pepper too, and somebody with both can test guesses of keys; name a file in another place.`,
  );
}
