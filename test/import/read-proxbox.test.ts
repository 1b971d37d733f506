import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { APPLICATION_ID } from '../../src/db/sqlite/application-id.ts';
import { readProxbox } from '../../src/import/read-proxbox.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';
import { HASHED, type ProxboxRow, proxboxDatabase } from './proxbox-database.ts';

const [{ hash }] = HASHED;

function read(rows: readonly ProxboxRow[], options: { isOld?: boolean } = {}) {
  const path = join(temporaryDirectory(), 'database.db');
  const running = proxboxDatabase(path, rows, options);
  onTestFinished(() => void running.close());
  return readProxbox(path);
}

describe('the database of proxbox-api', () => {
  test.each([false, true])('has keys that can do everything (without the claim table: %s)', (isOld) => {
    expect(
      read(
        [
          { label: 'netbox', hash },
          { hash, isActive: false },
        ],
        { isOld },
      ),
    ).toEqual([
      {
        place: 1,
        key: {
          secret: { kind: 'bcrypt', hash },
          settings: {
            ...{ label: 'netbox', owner: '', scopes: ['*'], expiresAt: null, allowedIps: [], rateLimits: [] },
            ...{ maxConcurrent: null, metadata: {} },
          },
          ...{ isActive: true, createdAt: 1_712_345_678_123 },
        },
      },
      expect.objectContaining({ place: 2, key: expect.objectContaining({ isActive: false }) }),
    ]);
  });

  test('has times as text too, and any labels', () => {
    expect(
      read([{ hash, createdAt: '2024-05-01 12:00:00.123456', label: `a\u202eb${'x'.repeat(300)}` }]),
    ).toMatchObject([
      {
        key: {
          createdAt: Date.UTC(2024, 4, 1, 12, 0, 0, 123),
          settings: { label: expect.stringMatching(/^abx{198}$/) },
        },
      },
    ]);
  });

  test.each([
    '',
    'plain-text-0123456789-0123456789-0123456789',
    `$2x$12$${'x'.repeat(53)}`,
    hash.replace('$04$', '$15$'),
  ])('has a row that is refused: %s', (bad) => {
    const items = read([{ hash: bad }, { hash }]);
    expect(items).toMatchObject([
      { place: 1, field: 'key_hash', reason: expect.stringContaining('must be a bcrypt hash') },
      { place: 2 },
    ]);
    expect(JSON.stringify(items[0])).not.toContain('plain-text');
  });

  test('is not written to', () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'database.db');
    proxboxDatabase(path, [{ hash }]).close();
    const before = readFileSync(path);
    chmodSync(path, 0o400);
    expect(readProxbox(path)).toHaveLength(1);
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(directory)).toEqual(['database.db']);
  });
});

describe('another file is refused in a sentence', () => {
  const made = (sql: string) => {
    const path = join(temporaryDirectory(), 'database.db');
    const sqlite = new SqliteDatabase(path);
    sqlite.exec(sql);
    sqlite.close();
    return path;
  };

  test.each([
    ['There is no such file.', () => join(temporaryDirectory(), 'none.db')],
    ['It is not a file.', () => temporaryDirectory()],
    ['has no table apikey', () => made('create table other (id)')],
    ['has no table apikey', () => made('create view apikey as select 1 as id')],
    ['has no column key_hash', () => made('create table apikey (id, label, is_active, created_at)')],
    [
      'is not an SQLite database',
      () => {
        const path = join(temporaryDirectory(), 'text.db');
        writeFileSync(path, 'no database\n'.repeat(100));
        return path;
      },
    ],
  ])('%s', (sentence, path) => {
    expect(() => readProxbox(path())).toThrow(sentence);
  });

  test('a database of Keyhearth', () => {
    const path = made(`pragma application_id = ${APPLICATION_ID}; create table apikey (id)`);
    expect(() => readProxbox(path)).toThrow('is a database of Keyhearth');
  });
});
