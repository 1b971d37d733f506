import { COPIED_TABLES, type CopySide } from '../db/copied.ts';
import type { Engine } from '../db/engine.ts';
import { type DatabaseLocation, displayName } from '../db/location.ts';
import { databaseMemory } from '../db/memory.ts';
import { assertNotNewer, isSchemaBehind, migrate, unfinishedCopyOf } from '../db/migrate.ts';
import { selectEngine } from '../db/select-engine.ts';
import { errorCode } from '../lib/error-code.ts';
import type { Logger } from '../lib/logger.ts';
import { Refusal } from '../lib/refusal.ts';
import type { ReportProgress } from '../lib/report-progress.ts';
import { digestRows, type TableDigest } from './digest.ts';

export type CopyParts = {
  from: DatabaseLocation;
  to: DatabaseLocation;
  logger: Logger;
  report: ReportProgress;
};

export type Copied = Readonly<{
  databaseId: string;
  /** Whether it continued a copy that was interrupted. */
  isContinued: boolean;
  tables: readonly (TableDigest & { table: string })[];
}>;

/**
 * Copies a whole database into an empty one, and compares both afterwards. Until all is compared, no service starts on the
 * copy. After an interruption, the same call continues.
 * @throws Refusal, or StartupError when a database cannot be opened
 */
export async function copyDatabase(parts: CopyParts): Promise<Copied> {
  try {
    return await copyAll(parts);
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    throw new Refusal(
      'failed',
      `The copy was interrupted (${code}). Remove the cause, and run the same command again: it continues.`,
    );
  }
}

async function copyAll({ from, to, logger, report }: CopyParts): Promise<Copied> {
  if (displayName(from) === displayName(to))
    throw new Refusal('conflict', 'The two databases are the same; name another one to copy to.');
  const source = await openSource(from, logger);
  try {
    const databaseId = await idIn(source);
    if (databaseId === undefined)
      throw new Refusal('not_found', `No Keyhearth has used ${displayName(from)} yet.`);
    const { target, isContinued } = await openTarget(to, databaseId, logger);
    try {
      await assertSameColumns(source, target);
      const tables = [];
      for (const table of COPIED_TABLES)
        tables.push({ table, ...(await copyTable(source, target, table, report)) });
      for (const { table, ...copied } of tables) {
        report(`Comparing ${table}`);
        await assertEqual(target, table, copied, displayName(to));
      }
      await target.continueAfter(await source.lastIds());
      // A server lets a service start. It could read only, but would change the source from now on.
      if (!(await source.isStillAlone())) throw startedMeanwhile(displayName(from));
      await target.removeMigration(unfinishedCopyOf(databaseId));
      return { databaseId, isContinued, tables };
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function openSource(location: DatabaseLocation, logger: Logger): Promise<CopySide> {
  const engine = selectEngine(location, logger, databaseMemory());
  if (!(await engine.hasContent()))
    throw new Refusal('not_found', `There is no database of Keyhearth at ${engine.name}.`);
  if (await engine.isInUse()) throw inUse(engine.name);
  await assertOurs(engine);
  const side = await engine.openForCopy('source');
  if (!side) throw inUse(engine.name);
  try {
    const applied = await side.migrations();
    assertNotNewer(applied);
    if (isSchemaBehind(applied))
      throw new Refusal(
        'conflict',
        `The schema of ${engine.name} is old; run keyhearth migrate on it first.`,
      );
    return side;
  } catch (error) {
    await side.close();
    throw error;
  }
}

/** @throws StartupError for a file of another program */
const assertOurs = async (engine: Engine) => (await engine.open()).destroy();

/** Makes the tables in an empty database, or continues in one that an interrupted copy left. */
async function openTarget(
  location: DatabaseLocation,
  databaseId: string,
  logger: Logger,
): Promise<{ target: CopySide; isContinued: boolean }> {
  const engine = selectEngine(location, logger, databaseMemory());
  const { name } = engine;
  if (await engine.isInUse()) throw inUse(name);
  if (await engine.hasContent()) await assertOurs(engine);
  else {
    const db = await engine.open();
    await migrate(db).finally(() => db.destroy());
  }
  const target = await engine.openForCopy('target');
  if (!target) throw inUse(name);
  try {
    const mark = unfinishedCopyOf(databaseId);
    const isContinued = (await target.migrations()).includes(mark);
    if (isContinued) return { target, isContinued };
    for (const table of COPIED_TABLES) {
      if ((await target.count(table)) === 0) continue;
      throw new Refusal(
        'conflict',
        `${name} is not empty; copy into an empty database. Nothing was changed.`,
      );
    }
    if (!(await target.addMigrationAlone(mark))) throw inUse(name);
    return { target, isContinued };
  } catch (error) {
    await target.close();
    throw error;
  }
}

const inUse = (name: string) =>
  new Refusal(
    'conflict',
    `Another process uses ${name}; stop Keyhearth, and all commands that use this database. Nothing was changed.`,
  );

const startedMeanwhile = (name: string) =>
  new Refusal(
    'conflict',
    `Another process has begun to use ${name} during the copy, so the copy is not complete; stop Keyhearth, and run the same command again: it continues.`,
  );

async function idIn(side: CopySide): Promise<string | undefined> {
  for await (const [row] of side.rows('database_identity')) if (row) return String(row.database_id);
  return undefined;
}

async function assertSameColumns(source: CopySide, target: CopySide): Promise<void> {
  for (const table of COPIED_TABLES) {
    const [here, there] = [await source.columns(table), await target.columns(table)];
    if (here.sort().join() !== there.sort().join())
      throw new Error(`the table ${table} has other columns in the other database`);
  }
}

async function copyTable(
  source: CopySide,
  target: CopySide,
  table: string,
  report: ReportProgress,
): Promise<TableDigest> {
  const all = await source.count(table);
  const digest = digestRows();
  let done = 0;
  for await (const rows of source.rows(table)) {
    for (const row of rows) digest.add(row);
    if (rows.length > 0) await target.add(table, rows);
    done += rows.length;
    report(`Copying ${table}`, done, all);
  }
  return digest.result();
}

/** @throws Refusal when the copy of a table is not the same as the table */
async function assertEqual(
  target: CopySide,
  table: string,
  copied: TableDigest,
  name: string,
): Promise<void> {
  const digest = digestRows();
  for await (const rows of target.rows(table)) for (const row of rows) digest.add(row);
  const found = digest.result();
  if (found.rows === copied.rows && found.digest === copied.digest) return;
  throw new Refusal(
    'failed',
    `The table ${table} is not the same in both databases (${copied.rows} rows, and ${found.rows} in the copy). The source may have changed since a copy was interrupted. Empty ${name}, and copy again.`,
  );
}
