import { type Kysely, PostgresAdapter, sql } from 'kysely';

/** Keys of other systems of which only a digest is known, and traces of imported keys. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
  const run = (text: string) => sql.raw(text).execute(db);

  // A digest of another system stands in the column hash until the key is used. Nobody knows the hint before that.
  const isForeign = "fingerprint is null and hint = ''";
  await run(`create index api_keys_foreign on api_keys (hash) where ${isForeign}`);
  await run(
    `create index api_keys_foreign_bcrypt on api_keys (id) where ${isForeign} and substr(hash, 1, 1) = '$'`,
  );

  // A secret that was deleted or replaced after its import must not come back with the next one.
  await run(`create table import_traces (trace text primary key)${isPostgres ? '' : ' without rowid'}`);
  const isGone = "old.source = 'imported' and old.fingerprint is not null";
  const isReplaced = `${isGone} and new.fingerprint is not null and new.fingerprint <> old.fingerprint`;
  if (isPostgres) {
    await run(`create function keyhearth_leave_import_trace() returns trigger language plpgsql as $$
      begin insert into import_traces (trace) values (old.fingerprint) on conflict do nothing; return null; end $$`);
    for (const [name, event, condition] of [
      ['deleted', 'delete', isGone],
      ['replaced', 'update of fingerprint', isReplaced],
    ] as const)
      await run(`create trigger keyhearth_imported_key_${name} after ${event} on api_keys
        for each row when (${condition}) execute function keyhearth_leave_import_trace()`);
    return;
  }
  for (const [name, event, condition] of [
    ['deleted', 'delete', isGone],
    ['replaced', 'update of fingerprint', isReplaced],
  ] as const)
    await run(`create trigger imported_key_${name} after ${event} on api_keys when ${condition}
      begin insert or ignore into import_traces (trace) values (old.fingerprint); end`);
}
