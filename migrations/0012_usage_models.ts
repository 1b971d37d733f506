import { type Kysely, PostgresAdapter, sql } from 'kysely';

/** Requests and tokens at the gateway by key and model: by hour, and in all where `start` is 0. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const withoutRowid = sql.raw(db.getExecutor().adapter instanceof PostgresAdapter ? '' : 'without rowid');
  await sql`
    create table usage_models (
      start bigint not null,
      key_id bigint not null,
      model text not null,
      requests bigint not null,
      failures bigint not null,
      input_tokens bigint not null,
      output_tokens bigint not null,
      primary key (start, key_id, model)
    ) ${withoutRowid}
  `.execute(db);
}
