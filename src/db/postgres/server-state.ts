import type { ClientBase } from 'pg';

/** What a PostgreSQL server says about itself, and about one database. */
export type ServerState = Readonly<{
  /** Such as 18. */
  major: number;
  /** How far the clock of the server is ahead of the clock of this machine. */
  clockAheadMs: number;
  isFsyncOff: boolean;
  /** `default_transaction_read_only`, with which all changes fail. */
  isReadOnly: boolean;
  standbys: number;
  /** Whether a change waits for a standby. */
  isSynchronous: boolean;
  /** How many transactions are since the last freeze. At two billion, PostgreSQL stops. */
  transactionAge: number;
  /** How many connections all programs may have, and have now. */
  allConnections: number;
  openConnections: number;
  /** How many connections this role may have to this database; null when that is not limited. */
  ownConnections: number | null;
  /** Indexes of our tables that PostgreSQL does not use. */
  invalidIndexes: readonly string[];
  /** Whether the system sorts text in another way than when the indexes were made. */
  hasOldCollation: boolean;
  /** Whether each change of a key is announced to all processes. */
  isAnnouncing: boolean;
  /** Tables of ours with more deleted rows than others. They take space until PostgreSQL vacuums the table. */
  unvacuumed: readonly Readonly<{ table: string; deleted: number; bytes: number }>[];
  /** Replication slots that nobody reads, and the log that the server keeps for each. */
  idleSlots: readonly Readonly<{ name: string; bytes: number }>[];
}>;

const SETTINGS = `
  select current_setting('server_version_num')::int / 10000 as major,
    extract(epoch from clock_timestamp())::float8 * 1000 as clock,
    current_setting('fsync') = 'off' as "isFsyncOff",
    current_setting('default_transaction_read_only') = 'on' as "isReadOnly",
    (select count(*) from pg_stat_replication) as standbys,
    current_setting('synchronous_standby_names') <> ''
      and current_setting('synchronous_commit') <> 'local' as "isSynchronous",
    age(datfrozenxid) as "transactionAge",
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true)::int, 0) as "allConnections",
    least(
      nullif(datconnlimit, -1),
      (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user)
    ) as "ownConnections",
    (select sum(numbackends) from pg_stat_database) as "openConnections",
    not exists (
      select from pg_trigger where tgname = 'keyhearth_announce_change'
        and tgrelid = to_regclass('api_keys') and tgenabled <> 'A'
    ) as "isAnnouncing"
  from pg_database where datname = current_database()`;

const INVALID_INDEXES = `
  select i.relname as name from pg_index
    join pg_class i on i.oid = indexrelid join pg_class t on t.oid = indrelid
  where not (indisvalid and indisready) and t.relnamespace = current_schema()::regnamespace
  order by 1`;

const UNVACUUMED = `
  select relname as table, n_dead_tup as deleted, pg_total_relation_size(relid) as bytes
  from pg_stat_user_tables
  where schemaname = current_schema() and n_dead_tup > n_live_tup
  order by 1`;

const IDLE_SLOTS = `
  select slot_name as name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 as bytes
  from pg_replication_slots where not active and restart_lsn is not null order by 1`;

/** PostgreSQL knows this since version 15. */
const COLLATION = `
  select datcollversion is distinct from pg_database_collation_actual_version(oid) as "hasOldCollation"
  from pg_database where datname = current_database()`;
const COLLATION_SINCE = 15;

type Settings = Omit<
  ServerState,
  'clockAheadMs' | 'invalidIndexes' | 'hasOldCollation' | 'unvacuumed' | 'idleSlots'
> & {
  clock: number;
};

/** Reads what every role may read. */
export async function readServerState(client: ClientBase): Promise<ServerState> {
  const rowsOf = async <Row>(text: string) => (await client.query(text)).rows as Row[];
  const before = Date.now();
  const [settings] = await rowsOf<Settings>(SETTINGS);
  const halfway = (before + Date.now()) / 2;
  if (!settings) throw new Error('the server does not list its own database');
  const { clock, ...state } = settings;
  const [collation] =
    state.major < COLLATION_SINCE ? [] : await rowsOf<{ hasOldCollation: boolean }>(COLLATION);
  return {
    ...state,
    openConnections: Number(state.openConnections),
    clockAheadMs: Math.round(clock - halfway),
    invalidIndexes: (await rowsOf<{ name: string }>(INVALID_INDEXES)).map(({ name }) => name),
    hasOldCollation: collation?.hasOldCollation ?? false,
    unvacuumed: await rowsOf<{ table: string; deleted: number; bytes: number }>(UNVACUUMED),
    idleSlots: await rowsOf<{ name: string; bytes: number }>(IDLE_SLOTS),
  };
}
