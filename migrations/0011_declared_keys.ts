import { type Kysely, PostgresAdapter, sql } from 'kysely';

const LASTING = 'on api_keys (id) where is_active = 1 and expires_at is null';

/** The keys that the file of a gateway declares, and how many requests of a key may be open at one time. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
  const run = (text: string) => sql.raw(text).execute(db);

  await run('alter table api_keys add column max_concurrent integer');
  await run(`create table gateways (
    name text primary key, digest text not null, progress text not null, synced_at bigint not null
  )`);
  await run(`create table gateway_keys (
    gateway text not null, key_id bigint not null, primary key (gateway, key_id)
  )${isPostgres ? '' : ' without rowid'}`);
  await run('create index gateway_keys_key on gateway_keys (key_id)');

  // Thousands of declared keys must not stand between a request and the other keys.
  await run('drop index api_keys_lasting');
  await run(`create index api_keys_lasting ${LASTING} and source <> 'config'`);
  await run(`create index api_keys_declared_lasting ${LASTING} and source = 'config'`);

  // Declared keys have no hash, so bcrypt cannot compare anything with them.
  await run("create index api_keys_unproven on api_keys (hint, id) where fingerprint is null and hash <> ''");

  if (!isPostgres) return;
  await run(`create trigger keyhearth_announce_max_concurrent after update of max_concurrent on api_keys
    for each statement execute function keyhearth_announce_change()`);
  await run('alter table api_keys enable always trigger keyhearth_announce_max_concurrent');
}
