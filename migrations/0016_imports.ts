import { type Kysely, PostgresAdapter, sql } from 'kysely';

/** Keys of other systems of which only a digest is known, and traces of all keys that were imported. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
  const run = (text: string) => sql.raw(text).execute(db);

  // A digest of another system stands in the column hash until the key is used. Nobody knows the hint before that.
  const isForeign = "fingerprint is null and hint = ''";
  await run(`create index api_keys_foreign on api_keys (hash) where ${isForeign}`);
  await run(
    `create index api_keys_foreign_bcrypt on api_keys (id) where ${isForeign} and substr(hash, 1, 1) = '$'`,
  );
  // A key that was deleted after its import must not come back with the next one.
  await run(`create table import_traces (trace text primary key)${isPostgres ? '' : ' without rowid'}`);
}
