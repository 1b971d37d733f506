import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { Migrator } from 'kysely/migration';
import { pino } from 'pino';
import { migrations } from '../migrations/index.ts';
import { databaseMemory } from '../src/db/memory.ts';
import { createOutages } from '../src/db/outages.ts';
import { openSqlite } from '../src/db/sqlite/open.ts';
import { startKeyhearth } from './processes.ts';
import { fill, makeDataDirectory } from './seed.ts';

/** The last migration before keys had settings. */
const LAST_OLD = '0003_announce_changes';

const OLD_COLUMNS = 'id, label, hint, fingerprint, hash, is_active, created_at, last_used_at, use_count';

/** Milliseconds from the start of the process, on a database of the old schema with `count` keys, to the first 200. */
export async function migrationTime(directory: string, count: number): Promise<number> {
  const dataDir = join(directory, 'old');
  mkdirSync(dataDir, { mode: 0o700 });
  await makeDataDirectory(dataDir, directory);
  await replaceByOld(dataDir);
  fill(dataDir, count, count);
  const server = await startKeyhearth('upgrade', dataDir, directory);
  await server.stop();
  return server.startMs;
}

/** Replaces the database by one of the old schema with the same first key. */
async function replaceByOld(dataDir: string): Promise<void> {
  const [path, old] = [join(dataDir, 'keyhearth.db'), join(dataDir, 'old.db')];
  const memory = databaseMemory();
  const { db } = await openSqlite(old, createOutages(memory.outages, pino({ level: 'silent' })), memory.file);
  const provided = Object.fromEntries(Object.entries(migrations).filter(([name]) => name <= LAST_OLD));
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: async () => provided },
  }).migrateToLatest();
  if (error !== undefined) throw error;
  await db.destroy();
  const sqlite = new SqliteDatabase(old);
  sqlite.prepare('attach ? as present').run(path);
  for (const [table, columns] of [
    ['database_identity', 'id, database_id, pepper_check'],
    ['bootstrap_claim', 'id, claimed_at'],
  ])
    sqlite.exec(`insert into ${table} (${columns}) select ${columns} from present.${table}`);
  sqlite.exec(`insert into api_keys (${OLD_COLUMNS}) select ${OLD_COLUMNS} from present.api_keys`);
  sqlite.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
  renameSync(old, path);
}
