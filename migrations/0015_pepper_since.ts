import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** Since when the database has its pepper, in milliseconds since 1970. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table database_identity add column pepper_since bigint`.execute(db);
}
