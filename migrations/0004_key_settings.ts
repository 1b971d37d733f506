import { type Kysely, PostgresAdapter, sql } from 'kysely';

/** The columns whose changes the other processes must hear of. Use counts are no change. */
const ANNOUNCED = [
  ...[
    'label',
    'owner',
    'hint',
    'prefix',
    'fingerprint',
    'hash',
    'scopes',
    'is_active',
    'expires_at',
    'is_expired',
  ],
  ...[
    'allowed_ips',
    'rate_limits',
    'metadata',
    'source',
    'rotated_from',
    'rotated_to',
    'root_id',
    'created_at',
  ],
].join(', ');

/** A constant default costs nothing per row. So the defaults fit the keys that exist, and new rows name all columns. */
const columns = [
  "owner text not null default ''",
  "prefix text default 'kh'",
  "scopes text not null default '*'",
  'expires_at bigint',
  'is_expired integer not null default 0',
  "allowed_ips text not null default ''",
  "rate_limits text not null default '[]'",
  "metadata text not null default '{}'",
  "source text not null default 'created'",
  'rotated_from bigint',
  'rotated_to bigint',
  'root_id bigint',
];

/** The settings of a key: owner, prefix, scopes, expiry, addresses, rate limits, metadata, and its rotations. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of columns) await sql`alter table api_keys add column ${sql.raw(column)}`.execute(db);

  // Only the registration makes the first row.
  await sql`update api_keys set source = 'registered' where id = 1`.execute(db);
  await sql`update api_keys set prefix = null where hint not like 'kh!_%' escape '!'`.execute(db);

  await sql`drop index api_keys_active`.execute(db);
  await sql`create index api_keys_lasting on api_keys (id) where is_active = 1 and expires_at is null`.execute(
    db,
  );
  await sql`create index api_keys_ending on api_keys (expires_at) where is_active = 1 and is_expired = 0 and expires_at is not null`.execute(
    db,
  );
  await sql`create index api_keys_managing on api_keys (id)
    where is_active = 1 and expires_at is null and scopes = '*' and allowed_ips = ''`.execute(db);

  if (!(db.getExecutor().adapter instanceof PostgresAdapter)) return;
  await sql`drop trigger keyhearth_announce_change on api_keys`.execute(db);
  await sql`
    create trigger keyhearth_announce_change
    after insert or delete or truncate or update of ${sql.raw(ANNOUNCED)} on api_keys
    for each statement execute function keyhearth_announce_change()
  `.execute(db);
  await sql`alter table api_keys enable always trigger keyhearth_announce_change`.execute(db);
}
