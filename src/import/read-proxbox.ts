import type { ForeignRow, ForeignTable } from '../db/sqlite/foreign-table.ts';
import { readForeignTable } from '../db/sqlite/foreign-table.ts';
import type { KeySettings } from '../keys/key.ts';
import { toLabel } from '../keys/label.ts';
import { everyScope } from '../keys/scopes.ts';
import { type Item, missingFile, UnreadableFile } from './record.ts';
import { readBcrypt } from './secret.ts';
import { parseTime } from './time.ts';

/** What is wrong with a file that is there. */
type Problem = Exclude<Extract<ForeignTable, { problem: string }>, { problem: 'missing' }>;

const TABLE = 'apikey';
const COLUMNS = ['id', 'label', 'key_hash', 'is_active', 'created_at'] as const;

/**
 * Reads the keys of a database of proxbox-api. They can do everything there, so they can do everything here.
 * @throws UnreadableFile
 */
export function readProxbox(path: string): Item[] {
  const found = readForeignTable(path, TABLE, COLUMNS);
  if ('problem' in found) throw found.problem === 'missing' ? missingFile() : problemOf(found);
  return found.rows.map(toItem);
}

function toItem({ id, label, key_hash: hash, is_active: isActive, created_at: createdAt }: ForeignRow): Item {
  const place = Number(id);
  if (typeof hash !== 'string') return { place, field: 'key_hash', reason: 'must be text' };
  const secret = readBcrypt(hash);
  if (typeof secret === 'string') return { place, field: 'key_hash', reason: secret };
  const settings: KeySettings = {
    ...{ label: typeof label === 'string' ? toLabel(label) : '', owner: '', scopes: everyScope },
    ...{ expiresAt: null, allowedIps: [], rateLimits: [], maxConcurrent: null, metadata: {} },
  };
  const key = { secret, settings, isActive: isActive === 1, createdAt: parseTime(createdAt) ?? null };
  return { place, key };
}

const problemOf = (found: Problem) => new UnreadableFile(sentenceOf(found));

function sentenceOf(found: Problem): string {
  switch (found.problem) {
    case 'no_file':
      return 'It is not a file.';
    case 'not_sqlite':
      return 'The file is not an SQLite database.';
    case 'ours':
      return 'The file is a database of Keyhearth, not of proxbox-api.';
    case 'no_table':
      return `The database has no table ${TABLE}, so it is not one of proxbox-api.`;
    case 'no_column':
      return `The table ${TABLE} has no column ${found.column}.`;
    case 'too_many':
      return `The table ${TABLE} has more than 100,000 rows.`;
    case 'unreadable':
      return `The database cannot be read (${found.code}); check its permissions, or copy it and its -wal file to another directory.`;
  }
}
