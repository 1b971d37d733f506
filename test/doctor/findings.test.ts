import { expect, test } from 'vitest';
import { type DatabaseState, findingsOf, type Observation } from '../../src/doctor/findings.ts';

const NOW = Date.parse('2026-01-31T03:00:00Z');
const DAY = 86_400_000;
const GB = 2 ** 30;

const database: DatabaseState = {
  ...{ path: '/data/keyhearth.db', damage: undefined, isOurs: true, isClaimed: true, isBehind: false },
  ...{ newestAt: NOW, neverExpire: 1, withoutFingerprint: 0, firstKeyWeakness: undefined },
};

const sound: Observation = {
  now: NOW,
  node: { version: '24.21.0', major: 24, needed: 24 },
  directory: '/data',
  files: [{ path: '/data', isPrivate: true, isOwn: true }],
  ...{ freeBytes: 5 * GB, walBytes: 0, secretProblems: [], database, isPostgres: false, hasDatabase: true },
  ...{ host: '0.0.0.0', hasBootstrapToken: false, certificate: undefined },
};

const certificate = (days: number, problem?: string) => ({
  certificate: { path: 'cert.pem', expiresAt: NOW + days * DAY, problem },
});
const withDatabase = (state: Partial<DatabaseState>) => ({ database: { ...database, ...state } });

test('a sound system has no findings', () => {
  expect(findingsOf(sound)).toEqual([]);
  expect(findingsOf({ ...sound, ...certificate(30), walBytes: 2 ** 20 })).toEqual([]);
});

test.each<[string, Partial<Observation>, string | undefined]>([
  ['an old Node', { node: { version: '20.1.0', major: 20, needed: 24 } }, 'error node'],
  ['little space', { freeBytes: GB / 2 }, 'warning disk_space'],
  ['hardly any space', { freeBytes: 1 }, 'error disk_space'],
  ['an open file', { files: [{ path: 'x', isPrivate: false, isOwn: true }] }, 'error mode'],
  ['the file of another user', { files: [{ path: 'x', isPrivate: true, isOwn: false }] }, 'error owner'],
  ['a wrong pepper', { secretProblems: ['The pepper does not fit.'] }, 'error pepper'],
  ['a long log', { walBytes: GB }, 'warning wal_size'],
  ['no database', { hasDatabase: false, database: undefined }, 'error database'],
  ['PostgreSQL', { hasDatabase: false, isPostgres: true, database: undefined }, 'info postgresql'],
  ['damage', withDatabase({ damage: 'SQLITE_CORRUPT' }), 'error integrity'],
  ['another program', withDatabase({ isOurs: false }), 'error database'],
  ['a slow clock', withDatabase({ newestAt: NOW + DAY }), 'error clock'],
  ['a clock that is a little slow', withDatabase({ newestAt: NOW + 1_000 }), undefined],
  ['an old schema', withDatabase({ isBehind: true }), 'info schema'],
  ['an open bootstrap', withDatabase({ isClaimed: false }), 'error bootstrap'],
  ['a bootstrap with a token', { ...withDatabase({ isClaimed: false }), hasBootstrapToken: true }, undefined],
  ['a bootstrap on the loopback', { ...withDatabase({ isClaimed: false }), host: '127.0.0.1' }, undefined],
  ['a bootstrap on a socket', { ...withDatabase({ isClaimed: false }), host: undefined }, undefined],
  ['a weak key', withDatabase({ firstKeyWeakness: 'a repeated text' }), 'error weak_key'],
  ['keys without an end', withDatabase({ neverExpire: 2 }), 'info no_expiry'],
  ['keys without a fingerprint', withDatabase({ withoutFingerprint: 1 }), 'info no_fingerprint'],
  ['a certificate that ends soon', certificate(10), 'warning tls'],
  ['a certificate that has ended', certificate(-1), 'error tls'],
  ['a certificate that is none', certificate(30, 'It is none.'), 'error tls'],
])('%s', (_, change, expected) => {
  const found = findingsOf({ ...sound, ...change });
  expect(found.map(({ level, check }) => `${level} ${check}`)).toEqual(expected ? [expected] : []);
  for (const { finding, advice } of found) {
    expect(finding).toMatch(/^[A-Z/x].*\.$/);
    expect(advice).not.toBe('');
  }
});

test('the worst comes first', () => {
  const found = findingsOf({ ...sound, ...withDatabase({ isBehind: true }), walBytes: GB, freeBytes: 1 });
  expect(found.map(({ level }) => level)).toEqual(['error', 'warning', 'info']);
});
