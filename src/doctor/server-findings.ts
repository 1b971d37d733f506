import type { ServerState } from '../db/postgres/server-state.ts';
import { type Finding, found, megabytes } from './finding.ts';
import type { Observation } from './observation.ts';

const CLOCK_TOLERANCE_MS = 5_000;
const MOST_LOG_BYTES = 2 ** 30;
/** PostgreSQL freezes rows long before that, unless something prevents it. It stops at two billion. */
const MOST_TRANSACTIONS = 1_000_000_000;
const NEARLY_ALL = 0.9;
/** PostgreSQL vacuums tables by itself long before that, unless something prevents it. */
const MANY_ROWS = 1_000_000;

/** What can be wrong with a server of PostgreSQL. */
export function* ofServer(seen: Observation, server: ServerState): Generator<Finding> {
  yield* ofVersion(seen, server);
  yield* ofDurability(server);
  yield* ofIndexes(server);
  yield* ofSizes(server);
  yield* ofConnections(seen, server);
  const seconds = Math.round(server.clockAheadMs / 1_000);
  if (Math.abs(server.clockAheadMs) > CLOCK_TOLERANCE_MS)
    yield found(
      'warning',
      'clock',
      `The clock of PostgreSQL is ${Math.abs(seconds)} seconds ${seconds > 0 ? 'ahead of' : 'behind'} the clock of this machine.`,
      'Synchronise both with NTP. Keys expire by the clock of this machine, and rate limits use the clock of PostgreSQL.',
    );
  if (!server.isAnnouncing)
    yield found(
      'error',
      'announcements',
      'The trigger keyhearth_announce_change is disabled, so replicas with a cache learn of changes late.',
      'Run: alter table api_keys enable always trigger keyhearth_announce_change',
    );
}

/** PostgreSQL fixes each version for five years: 18 appeared in 2025. */
const endOfFixes = (major: number) => Date.UTC(2_012 + major, 10, 15);

function* ofVersion({ now }: Observation, { major }: ServerState): Generator<Finding> {
  if (now <= endOfFixes(major)) return;
  yield found(
    'warning',
    'server_version',
    `PostgreSQL ${major} gets no fixes any more.`,
    'Upgrade the server to a newer version.',
  );
}

function* ofDurability(server: ServerState): Generator<Finding> {
  if (server.isReadOnly)
    yield found(
      'error',
      'read_only',
      'The setting default_transaction_read_only is on, so PostgreSQL refuses all changes.',
      'Switch it off for this role and database. Before that, find out who set it: the disk may have been full.',
    );
  if (server.isFsyncOff)
    yield found(
      'error',
      'fsync',
      'The setting fsync is off, so a crash can damage the database, and make revoked keys valid again.',
      'Set fsync = on in postgresql.conf, and reload the server.',
    );
  if (server.standbys > 0 && !server.isSynchronous)
    yield found(
      'info',
      'standby',
      'A standby can lack the newest changes. After it takes over, revoked keys can be valid again.',
      'Set synchronous_standby_names, or revoke these keys again after that. See docs/postgresql.md.',
    );
}

function* ofIndexes({ invalidIndexes, hasOldCollation, transactionAge }: ServerState): Generator<Finding> {
  for (const name of invalidIndexes)
    yield found(
      'error',
      'integrity',
      `The index ${name} is not valid, so PostgreSQL does not use it.`,
      `Run: reindex index concurrently ${name}`,
    );
  if (hasOldCollation)
    yield found(
      'error',
      'integrity',
      'The system of PostgreSQL sorts text in another way than when the indexes were made, so rows may not be found.',
      'Run: reindex database, then: alter database ... refresh collation version',
    );
  if (transactionAge > MOST_TRANSACTIONS)
    yield found(
      'error',
      'transaction_age',
      `PostgreSQL has not frozen rows for ${transactionAge} transactions. At two billion, it stops.`,
      'End old transactions and remove old replication slots, then run: vacuum freeze',
    );
}

function* ofSizes({ unvacuumed, idleSlots }: ServerState): Generator<Finding> {
  for (const { table, deleted, bytes } of unvacuumed.filter((each) => each.deleted > MANY_ROWS))
    yield found(
      'warning',
      'vacuum',
      `The table ${table} has ${megabytes(bytes)}, and most of its rows are deleted ones (${deleted}).`,
      `Check that autovacuum is on, and end old transactions. Then run: vacuum ${table}`,
    );
  for (const { name, bytes } of idleSlots.filter((slot) => slot.bytes > MOST_LOG_BYTES))
    yield found(
      'warning',
      'wal_size',
      `Nobody reads the replication slot ${name}, and PostgreSQL keeps ${megabytes(bytes)} of its log for it.`,
      `Start its standby. If there is none any more, run: select pg_drop_replication_slot('${name}')`,
    );
}

function* ofConnections(seen: Observation, server: ServerState): Generator<Finding> {
  const { allConnections: all, openConnections: open, ownConnections: own } = server;
  const most = Math.min(all, own ?? all);
  if (seen.connections > most)
    yield found(
      'error',
      'connections',
      `Each replica needs ${seen.connections} connections, and PostgreSQL allows ${most}.`,
      `Use a smaller KEYHEARTH_DATABASE_POOL or fewer workers, or raise ${most === all ? 'max_connections' : 'the connection limit of the role and the database'}.`,
    );
  else if (open > all * NEARLY_ALL)
    yield found(
      'warning',
      'connections',
      `${open} of ${all} connections of PostgreSQL are in use.`,
      'Raise max_connections, or find the programs that keep connections open in pg_stat_activity.',
    );
}
