import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** The messages of webhooks, and up to which audit event they are made. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table webhook_messages (
      id text primary key,
      body text not null,
      attempts integer not null,
      next_at bigint,
      done_at bigint
    )
  `.execute(db);
  await sql`create index webhook_messages_next on webhook_messages (next_at) where next_at is not null`.execute(
    db,
  );
  await sql`create index webhook_messages_done on webhook_messages (done_at) where done_at is not null`.execute(
    db,
  );
  await sql`
    create table webhook_position (
      id integer primary key check (id = 1),
      event_id bigint not null
    )
  `.execute(db);
}
