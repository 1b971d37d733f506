import { renameSync, rmSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import { Migrator } from 'kysely/migration';
import { expect } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { FIRST_KEY, startService, temporaryDirectory } from './keyhearth.ts';
import { openFile } from './sqlite.ts';

/** The schema before keys had settings. */
const OLD = ['0001_initial', '0002_use_count', '0003_announce_changes'];

const OLD_COLUMNS = 'id, label, hint, fingerprint, hash, is_active, created_at, last_used_at, use_count';

/** A data directory with a database of the old schema, in which FIRST_KEY is registered. */
export async function oldDirectory(): Promise<string> {
  const dataDir = temporaryDirectory();
  const current = await startService({ dataDir });
  await current.send({
    method: 'POST',
    path: '/auth/register-key',
    body: { api_key: FIRST_KEY, label: 'first' },
  });
  await current.close();
  const [path, old] = [`${dataDir}/keyhearth.db`, `${dataDir}/old.db`];
  const { db } = await openFile(old);
  const provided = Object.fromEntries(Object.entries(migrations).filter(([name]) => OLD.includes(name)));
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: async () => provided },
  }).migrateToLatest();
  expect(error).toBeUndefined();
  await db.destroy();
  const sqlite = new SqliteDatabase(old);
  sqlite.exec(`attach '${path}' as current`);
  for (const [table, columns] of [
    ['database_identity', 'id, database_id, pepper_check'],
    ['bootstrap_claim', 'id, claimed_at'],
  ])
    sqlite.exec(`insert into ${table} (${columns}) select ${columns} from current.${table}`);
  sqlite.exec(`insert into api_keys (${OLD_COLUMNS}) select ${OLD_COLUMNS} from current.api_keys`);
  sqlite.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
  renameSync(old, path);
  return dataDir;
}
