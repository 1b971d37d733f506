import { type Kysely, PostgresAdapter, sql } from 'kysely';

/** PostgreSQL announces every change of a key, for processes on other machines. Use counts are no change. */
export async function up(db: Kysely<unknown>): Promise<void> {
  if (!(db.getExecutor().adapter instanceof PostgresAdapter)) return;
  await sql`
    create function keyhearth_announce_change() returns trigger language plpgsql as $$
    begin
      perform pg_notify('keyhearth', 'change');
      return null;
    end $$
  `.execute(db);
  await sql`
    create trigger keyhearth_announce_change
    after insert or delete or truncate or update of label, hint, fingerprint, hash, is_active, created_at on api_keys
    for each statement execute function keyhearth_announce_change()
  `.execute(db);
  // Also in a session that says that it is a replica. The worker of a logical replication fires no statement's trigger.
  await sql`alter table api_keys enable always trigger keyhearth_announce_change`.execute(db);
}
