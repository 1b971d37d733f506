import { expect, test } from 'vitest';
import type { ServerState } from '../../src/db/postgres/server-state.ts';
import { findingsOf } from '../../src/doctor/findings.ts';
import type { DatabaseState, KeyState, Observation } from '../../src/doctor/observation.ts';

const NOW = Date.parse('2026-01-31T03:00:00Z');
const DAY = 86_400_000;
const GB = 2 ** 30;

const keys: KeyState = {
  ...{
    isClaimed: true,
    isBehind: false,
    newestAt: NOW,
    neverExpire: 1,
    withoutFingerprint: 0,
    withoutHash: 0,
    unmoved: undefined,
  },
  firstKeyWeakness: undefined,
};
type Clients = Extract<DatabaseState, { state: 'readable' }>['clients'];

const sound: Observation = {
  now: NOW,
  node: { version: '24.21.0', major: 24, needed: 24 },
  directory: '/data',
  files: [{ path: '/data', isPrivate: true, isOwn: true }],
  unwritable: [],
  ...{ freeBytes: 5 * GB, walBytes: 0, secretProblems: [], server: undefined, connections: 0 },
  ...{ databaseName: '/data/keyhearth.db', database: { state: 'readable', keys, clients: [] } },
  ...{ host: '0.0.0.0', hasBootstrapToken: false, certificate: undefined },
  ...{ pepperChange: 'none', trustedProxies: [] },
};

const server: ServerState = {
  ...{
    major: 18,
    clockAheadMs: 900,
    isFsyncOff: false,
    isReadOnly: false,
    standbys: 0,
    isSynchronous: false,
  },
  ...{
    transactionAge: 200_000_000,
    allConnections: 97,
    openConnections: 12,
    ownConnections: null,
    isAnnouncing: true,
  },
  ...{ invalidIndexes: [], hasOldCollation: false, idleSlots: [], unvacuumed: [] },
};

const certificate = (days: number, problem?: string) => ({
  certificate: { path: 'cert.pem', expiresAt: NOW + days * DAY, problem },
});
const withDatabase = (database: DatabaseState) => ({ database });
const withKeys = (state: Partial<KeyState>) =>
  withDatabase({ state: 'readable', keys: { ...keys, ...state }, clients: [] });
const withServer = (state: Partial<ServerState>) => ({ server: { ...server, ...state } });
const withClients = (trustedProxies: string[], ...clients: [string, number][]) => ({
  trustedProxies,
  ...withDatabase({
    state: 'readable',
    keys,
    clients: clients.map(([address, actors]): Clients[number] => ({ address, actors, events: 40 })),
  }),
});

test('a sound system has no findings', () => {
  expect(findingsOf(sound)).toEqual([]);
  expect(findingsOf({ ...sound, ...certificate(30), walBytes: 2 ** 20 })).toEqual([]);
  expect(findingsOf({ ...sound, server, connections: 6 })).toEqual([]);
});

test.each<[string, Partial<Observation>, string | undefined]>([
  ['an old Node', { node: { version: '20.1.0', major: 20, needed: 24 } }, 'error node'],
  ['little space', { freeBytes: GB / 2 }, 'warning disk_space'],
  ['hardly any space', { freeBytes: 1 }, 'error disk_space'],
  ['an open file', { files: [{ path: 'x', isPrivate: false, isOwn: true }] }, 'error mode'],
  ['the file of another user', { files: [{ path: 'x', isPrivate: true, isOwn: false }] }, 'error owner'],
  ['a wrong pepper', { secretProblems: ['The pepper does not fit.'] }, 'error pepper'],
  ['a long log', { walBytes: GB }, 'warning wal_size'],
  ['no database', withDatabase({ state: 'missing' }), 'error database'],
  ['a database that was not opened', withDatabase({ state: 'unopened' }), undefined],
  ['no server', withDatabase({ state: 'unreachable', reason: 'ECONNREFUSED' }), 'error database'],
  ['damage', withDatabase({ state: 'damaged', reason: 'SQLITE_CORRUPT' }), 'error integrity'],
  ['a lost log', withDatabase({ state: 'log_lost', log: '/data/keyhearth.db-wal' }), 'error integrity'],
  [
    'a read-only file system',
    { ...withDatabase({ state: 'unopened' }), unwritable: [{ path: '/data', reason: 'EROFS' }] },
    'error read_only',
  ],
  ['another program', withDatabase({ state: 'foreign' }), 'error database'],
  ['a slow clock', withKeys({ newestAt: NOW + DAY }), 'error clock'],
  ['a clock that is a little slow', withKeys({ newestAt: NOW + 1_000 }), undefined],
  ['an old schema', withKeys({ isBehind: true }), 'info schema'],
  ['an open bootstrap', withKeys({ isClaimed: false }), 'error bootstrap'],
  ['a bootstrap with a token', { ...withKeys({ isClaimed: false }), hasBootstrapToken: true }, undefined],
  ['a bootstrap on the loopback', { ...withKeys({ isClaimed: false }), host: '127.0.0.1' }, undefined],
  ['a bootstrap on a socket', { ...withKeys({ isClaimed: false }), host: undefined }, undefined],
  ['a weak key', withKeys({ firstKeyWeakness: 'a repeated text' }), 'error weak_key'],
  ['keys without an end', withKeys({ neverExpire: 2 }), 'info no_expiry'],
  ['imported keys without a hash', withKeys({ withoutHash: 1 }), 'info no_hash'],
  ['keys without a fingerprint', withKeys({ withoutFingerprint: 1 }), 'info no_fingerprint'],
  ['keys of a pepper that is gone', withKeys({ unmoved: 3 }), 'warning previous_pepper'],
  ['keys that did not move', { ...withKeys({ unmoved: 3 }), pepperChange: 'begun' }, 'info previous_pepper'],
  [
    'a pepper of which no key is left',
    { ...withKeys({ unmoved: 0 }), pepperChange: 'begun' },
    'info previous_pepper',
  ],
  ['a pepper that does not change yet', { ...withKeys({ unmoved: 0 }), pepperChange: 'unknown' }, undefined],
  ['a pepper that never changed', { pepperChange: 'begun' }, undefined],
  ['several people at one address', withClients([], ['172.18.0.1', 3]), 'warning trusted_proxies'],
  ['one person at one address', withClients([], ['172.18.0.1', 2]), undefined],
  ['several addresses', withClients([], ['172.18.0.1', 5], ['172.18.0.2', 1]), undefined],
  ['clients behind a trusted proxy', withClients(['10.0.0.5'], ['10.0.0.6', 1], ['10.0.0.7', 1]), undefined],
  ['a client in a trusted network', withClients(['10.0.0.0/8'], ['10.0.0.6', 1]), 'warning trusted_proxies'],
  ['a person on the machine of a proxy', withClients(['127.0.0.1'], ['127.0.0.1', 1]), undefined],
  ['a silent proxy', withClients(['127.0.0.1'], ['127.0.0.1', 3]), 'warning trusted_proxies'],
  ['an address that is none', withClients(['10.0.0.0/8'], ['unknown', 1]), undefined],
  ['an old server', { ...withServer({ major: 13 }) }, 'warning server_version'],
  ['a server that gets fixes', withServer({ major: 14 }), undefined],
  ['a server whose clock is ahead', withServer({ clockAheadMs: 9_000 }), 'warning clock'],
  ['a server whose clock is behind', withServer({ clockAheadMs: -9_000 }), 'warning clock'],
  ['a server without fsync', withServer({ isFsyncOff: true }), 'error fsync'],
  ['a server that only reads', withServer({ isReadOnly: true }), 'error read_only'],
  ['a standby', withServer({ standbys: 1 }), 'info standby'],
  ['a synchronous standby', withServer({ standbys: 1, isSynchronous: true }), undefined],
  ['an idle slot', withServer({ idleSlots: [{ name: 'old', bytes: 5 * GB }] }), 'warning wal_size'],
  ['a slot that waits a little', withServer({ idleSlots: [{ name: 'new', bytes: 5_000 }] }), undefined],
  [
    'a table of deleted rows',
    withServer({ unvacuumed: [{ table: 'usage_hours', deleted: 2_000_000, bytes: GB }] }),
    'warning vacuum',
  ],
  [
    'a small table of deleted rows',
    withServer({ unvacuumed: [{ table: 'sessions', deleted: 20, bytes: 8_192 }] }),
    undefined,
  ],
  ['an index that is not valid', withServer({ invalidIndexes: ['by_label'] }), 'error integrity'],
  ['another order of text', withServer({ hasOldCollation: true }), 'error integrity'],
  ['rows that are never frozen', withServer({ transactionAge: 1_600_000_000 }), 'error transaction_age'],
  ['a trigger that is off', withServer({ isAnnouncing: false }), 'error announcements'],
  ['a pool that is too large', { ...withServer({}), connections: 98 }, 'error connections'],
  [
    'a pool that is larger than the role allows',
    { ...withServer({ ownConnections: 5 }), connections: 6 },
    'error connections',
  ],
  ['the connections of others', { ...withServer({ ownConnections: 6 }), connections: 6 }, undefined],
  ['hardly a free connection', withServer({ openConnections: 90 }), 'warning connections'],
  ['a certificate that ends soon', certificate(10), 'warning tls'],
  ['a certificate that has ended', certificate(-1), 'error tls'],
  ['a certificate that is none', certificate(30, 'It is none.'), 'error tls'],
])('%s', (_, change, expected) => {
  const found = findingsOf({ ...sound, ...change });
  expect(found.map(({ level, check }) => `${level} ${check}`)).toEqual(expected ? [expected] : []);
  for (const { finding, advice } of found) {
    expect(finding).toMatch(/^[A-Z/x\d].*\.$/);
    expect(advice).not.toBe('');
  }
});

test('the worst comes first', () => {
  const found = findingsOf({ ...sound, ...withKeys({ isBehind: true }), walBytes: GB, freeBytes: 1 });
  expect(found.map(({ level }) => level)).toEqual(['error', 'warning', 'info']);
});
