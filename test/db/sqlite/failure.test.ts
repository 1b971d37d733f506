import SqliteDatabase from 'better-sqlite3';
import { expect, test } from 'vitest';
import { translateError } from '../../../src/db/sqlite/failure.ts';

const failed = (code: string, message = 'made to fail') => new SqliteDatabase.SqliteError(message, code);

test.each([
  ['SQLITE_BUSY', 'database_busy', 'other_change'],
  ['SQLITE_BUSY_RECOVERY', 'database_busy', 'other_change'],
  ['SQLITE_CORRUPT', 'database_unavailable', 'damaged'],
  ['SQLITE_CORRUPT_INDEX', 'database_unavailable', 'damaged'],
  ['SQLITE_NOTADB', 'database_unavailable', 'damaged'],
  ['SQLITE_FULL', 'database_unavailable', 'disk_full'],
  ['SQLITE_IOERR_READ', 'database_unavailable', 'unreadable'],
  ['SQLITE_CANTOPEN', 'database_unavailable', 'unreadable'],
  ['SQLITE_READONLY_CANTINIT', 'database_unavailable', 'unreadable'],
  ['SQLITE_PROTOCOL', 'database_unavailable', 'unreadable'],
  ['SQLITE_NOMEM', 'database_unavailable', 'unreadable'],
])('%s of a read is %s, %s', (sqliteCode, code, reason) => {
  const error = failed(sqliteCode);
  expect(translateError(error, true)).toMatchObject({
    failure: { code, reason },
    isExpected: true,
    cause: error,
  });
});

test.each(['SQLITE_IOERR_WRITE', 'SQLITE_CANTOPEN', 'SQLITE_READONLY', 'SQLITE_PERM'])(
  '%s of a change is database_unavailable, unwritable',
  (sqliteCode) => {
    expect(translateError(failed(sqliteCode), false)).toMatchObject({
      failure: { code: 'database_unavailable', reason: 'unwritable' },
    });
  },
);

test('an error of the service itself stays as it is', () => {
  for (const error of [
    failed('SQLITE_ERROR', 'near "selec": syntax error'),
    failed('SQLITE_CONSTRAINT'),
    new Error(),
  ])
    expect(translateError(error, true)).toBe(error);
});
