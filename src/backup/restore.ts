import { createSecretKey, randomUUID } from 'node:crypto';
import {
  accessSync,
  constants,
  createReadStream,
  createWriteStream,
  existsSync,
  linkSync,
  openSync,
  renameSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { changesBetween, type NewEvent } from '../audit/event.ts';
import { fromEvent } from '../audit/row.ts';
import { assertNotNewer } from '../db/migrate.ts';
import {
  addRow,
  eachActiveKey,
  type FileFacts,
  inspectFile,
  withFileAlone,
} from '../db/sqlite/whole-file.ts';
import type { Clock } from '../lib/clock.ts';
import { errorCode } from '../lib/error-code.ts';
import { isMissing, syncFile } from '../lib/private-files.ts';
import { Refusal } from '../lib/refusal.ts';
import { readDatabaseMarker } from '../pepper/database-marker.ts';
import { loadPepper, pepperCheck } from '../pepper/pepper.ts';
import {
  assertOwner,
  databasePath,
  removeDatabase,
  type Settings,
  untilSignalsAreHandled,
} from './backup.ts';
import { type Revived, revivedKey } from './revoked.ts';

const SMALLEST_PAGE = 512;

export type Restored = Readonly<{
  database: string;
  /** Where the replaced database is; null when there was none. */
  kept: string | null;
  /** What was there before. A backup can be restored in the place of a new database of another identity. */
  replaced: 'nothing' | 'same' | 'other' | 'unreadable';
  /** Keys that are valid again; null when only the same database could say it, and it was not there or not readable. */
  revived: readonly Revived[] | null;
}>;

type Parts = {
  clock: Pick<Clock, 'now'>;
  /** Called when the backup is known to fit. Nothing is changed when it throws. */
  confirm: () => Promise<void>;
  /** Aborts just before the process ends. */
  interrupted: AbortSignal;
};

/**
 * Puts a backup in the place of the database.
 * @throws Refusal, or StartupError when the pepper or the schema does not fit
 */
export async function restore(
  config: Settings,
  source: string,
  { clock, confirm, interrupted }: Parts,
): Promise<Restored> {
  const database = databasePath(config);
  const backup = resolve(source);
  if (isMissing(backup)) throw new Refusal('not_found', `There is no file ${backup}.`);
  assertReadable(backup);
  if (existsSync(database) && isSameFile(statSync(backup), statSync(database)))
    throw new Refusal('conflict', `${backup} is the database itself; name a backup.`);
  if (existsSync(`${backup}-wal`) && statSync(`${backup}-wal`).size > 0)
    throw new Refusal(
      'failed',
      `${backup} is incomplete without ${backup}-wal; restore a file that keyhearth backup has written.`,
    );
  if (!existsSync(dirname(database)))
    throw new Refusal('not_found', `There is no directory ${dirname(database)}; set KEYHEARTH_DATA_DIR.`);
  assertOwner(dirname(database));
  const draft = `${database}.${randomUUID()}`;
  const removeDraft = () => removeDatabase(draft);
  interrupted.addEventListener('abort', removeDraft);
  try {
    await copyInPieces(backup, draft, interrupted);
    const facts = inspectFile(draft);
    assertFits(config, backup, facts);
    await confirm();
    await untilSignalsAreHandled();
    const from = { draft, id: facts.identity?.database_id, at: statSync(backup).mtime.getTime() };
    return replace(database, from, clock);
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    throw new Refusal(
      'failed',
      `Cannot write the restored database to ${dirname(database)} (${code}); check the permissions of this directory, its free space, and whether its disk is mounted for writing.`,
    );
  } finally {
    removeDraft();
    interrupted.removeEventListener('abort', removeDraft);
  }
}

/** The end of the process waits for a piece at most. For a copy by the system, it would wait until all is copied. */
async function copyInPieces(from: string, to: string, interrupted: AbortSignal): Promise<void> {
  const draft = createWriteStream(to, { fd: openSync(to, 'wx', 0o600) });
  await pipeline(createReadStream(from), draft, { signal: interrupted });
}

function assertReadable(backup: string): void {
  try {
    accessSync(backup, constants.R_OK);
  } catch (error) {
    throw new Refusal(
      'failed',
      `${backup} cannot be read (${errorCode(error)}); check its permissions, and those of its directory.`,
    );
  }
  if (!statSync(backup).isFile()) throw new Refusal('failed', `${backup} is not a file; name a backup.`);
}

/** Two file systems can use the same number. */
const isSameFile = (a: Stats, b: Stats) => a.ino === b.ino && a.dev === b.dev;

function assertFits(config: Settings, backup: string, facts: FileFacts): void {
  const { damage, isOurs, identity, migrations, isClaimed } = facts;
  if (damage !== undefined)
    throw new Refusal(
      'failed',
      `${backup} is damaged, or is no database (${damage}); restore another backup.`,
    );
  if (!isOurs || identity === undefined)
    throw new Refusal('failed', `${backup} is not a database of Keyhearth; restore another file.`);
  assertNotNewer(migrations);
  const marker = readDatabaseMarker(config.pepper, config.dataDir);
  if (marker.databaseId !== undefined && marker.databaseId !== identity.database_id)
    throw new Refusal(
      'conflict',
      `${backup} is of database ${identity.database_id}, but ${marker.path} belongs to ${marker.databaseId}; restore a backup of that database, or delete ${marker.path} if this one is meant.`,
    );
  if (marker.isClaimed && !isClaimed)
    throw new Refusal(
      'conflict',
      `${backup} is older than the first key, so it has none; restore a newer backup.`,
    );
  const { previousPepper } = config;
  const peppers = [
    loadPepper(config.pepper, true),
    ...(previousPepper === undefined ? [] : [createSecretKey(previousPepper)]),
  ];
  const checks: (string | null)[] = peppers.map((pepper) => pepperCheck(pepper)(identity.database_id));
  // Without a check, the next start adopts the pepper.
  if (![...checks, null].includes(identity.pepper_check))
    throw new Refusal(
      'conflict',
      `The pepper does not fit ${backup}; if the pepper was changed after the backup, set KEYHEARTH_PEPPER_PREVIOUS_FILE to the file of the previous one (see docs/change-pepper.md); otherwise restore the pepper of this database first (if it is lost, see docs/lost-pepper.md).`,
    );
}

type Backup = Readonly<{ draft: string; id: string | undefined; at: number }>;

function replace(
  database: string,
  { draft, id, at: backedUpAt }: Backup,
  clock: Pick<Clock, 'now'>,
): Restored {
  const at = clock.now();
  const hadOne = existsSync(database);
  const revived: Revived[] = [];
  let isSame = false;
  // SQLite would delete the log of a database without a page.
  const state =
    hadOne && statSync(database).size >= SMALLEST_PAGE
      ? withFileAlone(database, (find, databaseId) => {
          isSame = databaseId === id;
          if (!isSame) return;
          eachActiveKey(draft, (key) => {
            const found = revivedKey(key, find(key.id), at);
            if (found) revived.push(found);
          });
        })
      : 'damaged';
  if (state === 'in_use') throw inUse(database);
  addRow(draft, 'audit_events', fromEvent(restoredEvent(at, backedUpAt, isSame ? revived.length : null)));
  syncFile(draft);
  const time = new Date(at).toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '');
  const kept = `${database}.replaced-${time}`;
  if (existsSync(kept)) throw new Refusal('conflict', `${kept} exists already; repeat the command.`);
  // A log that appeared since is of a process that has just started.
  if (state === 'alone' && existsSync(`${database}-wal`)) throw inUse(database);
  // With a second name, the path of the database names one of the two files at each moment.
  if (hadOne) linkSync(database, kept);
  // What is left of a log belongs to the replaced database. SQLite would write it into the restored one.
  for (const suffix of ['-wal', '-shm', '-journal'])
    if (existsSync(`${database}${suffix}`)) renameSync(`${database}${suffix}`, `${kept}${suffix}`);
  renameSync(draft, database);
  syncFile(dirname(database));
  const replaced = !hadOne ? 'nothing' : state !== 'alone' ? 'unreadable' : isSame ? 'same' : 'other';
  return { database, kept: hadOne ? kept : null, replaced, revived: isSame ? revived : null };
}

const inUse = (database: string) =>
  new Refusal(
    'conflict',
    `Another process has ${database} open; stop Keyhearth, and all commands that use the database. Nothing was changed.`,
  );

/** Nobody has signed in, so it is known only that somebody with the files did it. */
const restoredEvent = (at: number, backedUpAt: number, revivedKeys: number | null): NewEvent => ({
  ...{ at, action: 'database.restored', actor: { kind: 'operator' } },
  ...{ address: null, keyId: null, requestId: null },
  changes: changesBetween(undefined, {
    backup_modified_at: new Date(backedUpAt).toISOString(),
    revived_keys: revivedKeys,
  }),
});
