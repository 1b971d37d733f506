import { randomUUID, timingSafeEqual } from 'node:crypto';
import { StartupError } from '../lib/startup-error.ts';
import { hasTable } from './differences.ts';
import type { Db, Tx } from './tables.ts';
import { transaction } from './transaction.ts';

/** What the messages name when the database does not belong to the pepper or the marker file. */
export type IdentityContext = {
  databaseName: string;
  /** The marker file beside the pepper, and the database id in it; undefined before the first start. */
  marker: { path: string; databaseId: string | undefined };
  /** HMAC of a database id under the pepper of this process. */
  pepperCheck: (databaseId: string) => string;
  /** The same under the previous pepper; undefined when the pepper does not change. */
  previousCheck?: ((databaseId: string) => string) | undefined;
};

/**
 * A database that lost its rows would let anybody register a first key again. So the database that the marker file
 * names must exist before anything is made in it.
 * @throws StartupError
 */
export async function assertNotEmptied(db: Db, { marker, databaseName }: IdentityContext): Promise<void> {
  if (marker.databaseId === undefined) return;
  if (!(await hasTable(db, 'database_identity'))) throw lostDatabase(databaseName, marker.path);
}

export function lostDatabase(databaseName: string, markerPath: string): StartupError {
  return new StartupError(
    `The database ${databaseName} is missing or empty, but ${markerPath} names one; check DATABASE_URL and KEYHEARTH_DATA_DIR, restore it from a backup, or delete ${markerPath} to start over with no keys.`,
  );
}

export function outdatedDatabase(databaseName: string, markerPath: string): StartupError {
  return new StartupError(
    `The database ${databaseName} has no first key, but ${markerPath} says that one was registered, so this is an older copy; restore the newest (with its -wal file), or delete ${markerPath} to open the bootstrap again.`,
  );
}

/**
 * Gives a new database its id, and checks that an older one fits the pepper and the marker file.
 * @returns the database id, for the marker file
 * @throws StartupError
 */
export async function claimIdentity(db: Db, context: IdentityContext): Promise<string> {
  const stored = (await read(db)) ?? (await transaction(db, (tx) => create(tx, context)));
  assertNamed(stored.database_id, context);
  const check = context.pepperCheck(stored.database_id);
  const adopted =
    stored.pepper_check === null || stored.pepper_check === context.previousCheck?.(stored.database_id)
      ? await transaction(db, (tx) => adoptPepper(tx, check, stored.pepper_check))
      : stored.pepper_check;
  if (!equal(adopted, check)) {
    throw wrongPepper(context);
  }
  return stored.database_id;
}

function wrongPepper({ databaseName, previousCheck }: IdentityContext): StartupError {
  const previous = previousCheck
    ? ', and neither does KEYHEARTH_PEPPER_PREVIOUS; set it to the pepper from before the change'
    : '; if the pepper was changed, set KEYHEARTH_PEPPER_PREVIOUS_FILE to the file of the previous one';
  return new StartupError(
    `The pepper does not fit the database ${databaseName}${previous} (see docs/change-pepper.md); otherwise use the pepper of the other processes, or restore it from a backup (if it is lost, see docs/lost-pepper.md).`,
  );
}

/**
 * The identity of an existing database, and the check of the pepper that it had.
 * @throws StartupError
 */
export async function readIdentity(db: Db, context: Omit<IdentityContext, 'pepperCheck'>) {
  const stored = (await hasTable(db, 'database_identity')) ? await read(db) : undefined;
  if (!stored) throw lostDatabase(context.databaseName, context.marker.path);
  assertNamed(stored.database_id, context);
  return { databaseId: stored.database_id, pepperCheck: stored.pepper_check };
}

function assertNamed(id: string, { marker, databaseName }: Omit<IdentityContext, 'pepperCheck'>): void {
  if (marker.databaseId === undefined || marker.databaseId === id) return;
  throw new StartupError(
    `${databaseName} is database ${id}, but ${marker.path} belongs to ${marker.databaseId}; restore the right database, or delete ${marker.path} if this one is meant.`,
  );
}

const read = (db: Db) =>
  db.selectFrom('database_identity').select(['database_id', 'pepper_check']).executeTakeFirst();

async function create(tx: Db, { pepperCheck }: IdentityContext) {
  const database_id = randomUUID();
  await tx
    .insertInto('database_identity')
    .values({ id: 1, database_id, pepper_check: pepperCheck(database_id) })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  return tx.selectFrom('database_identity').select(['database_id', 'pepper_check']).executeTakeFirstOrThrow();
}

/**
 * Two processes may do this at once.
 * @param previous the check that the database has, under the previous pepper; null when it has none
 * @returns the check that the database has now: that of the first one
 */
async function adoptPepper(tx: Tx, check: string, previous: string | null): Promise<string> {
  const query = tx.updateTable('database_identity');
  if (previous === null) await query.set({ pepper_check: check }).where('pepper_check', 'is', null).execute();
  else
    await query
      .set({ pepper_check: check, pepper_since: Date.now() })
      .where('pepper_check', '=', previous)
      .execute();
  const { pepper_check } = await tx
    .selectFrom('database_identity')
    .select('pepper_check')
    .executeTakeFirstOrThrow();
  return pepper_check ?? check;
}

const equal = (a: string, b: string) =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
