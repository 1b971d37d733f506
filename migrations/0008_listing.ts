import { type Kysely, PostgresAdapter, sql } from 'kysely';

/** Each filter and each sort of a list of keys has its index. A page is read in the order of the index. */
const indexes = [
  `api_keys_source on api_keys (source, created_at, id)`,
  `api_keys_prefix on api_keys (prefix, created_at, id)`,
  `api_keys_last_used_at on api_keys (coalesce(last_used_at, -1), id)`,
  `api_keys_expires_at on api_keys (coalesce(expires_at, 9007199254740991), id)`,
  `api_keys_inactive on api_keys (created_at, id) where is_active = 0`,
  `api_keys_current on api_keys (created_at, id, expires_at) where is_active = 1 and is_expired = 0`,
  `api_keys_expired on api_keys (created_at, id) where is_active = 1 and is_expired = 1`,
  `api_keys_unlimited on api_keys (created_at, id) where scopes = '*'`,
];

/** SQLite reads all other lists from this index alone, which is a third of the table. */
const everything = [
  ...['created_at', 'id', 'label', 'owner', 'label_folded', 'owner_folded', 'last_used_at', 'expires_at'],
  ...['is_active', 'is_expired', 'source', 'prefix', 'scopes'],
].join(', ');

export async function up(db: Kysely<unknown>): Promise<void> {
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
  const run = (text: string) => sql.raw(text).execute(db);

  // The text to search in. It is null when the text is ASCII, which SQL can fold.
  for (const column of ['label_folded', 'owner_folded'])
    await run(`alter table api_keys add column ${column} text`);
  await foldLabels(db, isPostgres);

  for (const index of indexes) await run(`create index ${index}`);
  // PostgreSQL cannot have a long text in an index.
  await run(`create index api_keys_listing on api_keys (${isPostgres ? 'created_at, id' : everything})`);

  // The scopes of a key, one by one. Every key that exists now has "*", which has an index of its own.
  await run(`create table api_key_scopes (
    scope text not null, created_at bigint not null, id bigint not null, primary key (scope, created_at, id)
  )${isPostgres ? '' : ' without rowid'}`);
  await (isPostgres ? addPostgresTriggers(run) : addSqliteTriggers(run));
}

type Run = (text: string) => Promise<unknown>;

/** Nobody can write a key and forget the table, for example a person with the command line of the database. */
async function addSqliteTriggers(run: Run): Promise<void> {
  const add = `insert or ignore into api_key_scopes (scope, created_at, id)
    select value, new.created_at, new.id from json_each('["' || replace(new.scopes, ' ', '","') || '"]')
    where new.scopes not in ('*', '');`;
  const remove = `delete from api_key_scopes where created_at = old.created_at and id = old.id and scope in
    (select value from json_each('["' || replace(old.scopes, ' ', '","') || '"]'));`;
  await run(`create trigger api_key_scopes_insert after insert on api_keys
    when new.scopes not in ('*', '') begin ${add} end`);
  await run(`create trigger api_key_scopes_delete after delete on api_keys
    when old.scopes not in ('*', '') begin ${remove} end`);
  await run(`create trigger api_key_scopes_update after update of scopes, created_at, id on api_keys
    when old.scopes <> new.scopes or old.created_at <> new.created_at or old.id <> new.id
    begin ${remove} ${add} end`);
}

async function addPostgresTriggers(run: Run): Promise<void> {
  await run(`
    create function keyhearth_list_scopes() returns trigger language plpgsql as $$
    begin
      if tg_op <> 'INSERT' and old.scopes not in ('*', '') then
        delete from api_key_scopes where created_at = old.created_at and id = old.id
          and scope = any (string_to_array(old.scopes, ' '));
      end if;
      if tg_op <> 'DELETE' and new.scopes not in ('*', '') then
        insert into api_key_scopes (scope, created_at, id)
          select distinct scope, new.created_at, new.id from unnest(string_to_array(new.scopes, ' ')) as scope;
      end if;
      return null;
    end $$
  `);
  await run(`create trigger keyhearth_list_scopes after insert or delete on api_keys
    for each row execute function keyhearth_list_scopes()`);
  await run(`create trigger keyhearth_list_changed_scopes after update of scopes, created_at, id on api_keys
    for each row when (old.scopes <> new.scopes or old.created_at <> new.created_at or old.id <> new.id)
    execute function keyhearth_list_scopes()`);
}

const LABELS_AT_ONCE = 10_000;

async function foldLabels(db: Kysely<unknown>, isPostgres: boolean): Promise<void> {
  for (let after = 0; ; ) {
    const { rows } = await sql<{ id: number; label: string }>`
      select id, label from api_keys where id > ${after} and octet_length(label) <> length(label)
      order by id limit ${LABELS_AT_ONCE}
    `.execute(db);
    const last = rows.at(-1);
    if (!last) return;
    after = Number(last.id);
    const folded = JSON.stringify(rows.map(({ id, label }) => [Number(id), fold(label)]));
    const elements = isPostgres
      ? sql`jsonb_array_elements(cast(${folded} as jsonb))`
      : sql`json_each(${folded})`;
    await sql`
      update api_keys set label_folded = folded.value ->> 1 from ${elements} as folded
      where api_keys.id = cast(folded.value ->> 0 as bigint)
    `.execute(db);
  }
}

/** As `src/lib/fold.ts` does. */
function fold(text: string): string {
  let folded = '';
  for (const character of text.normalize('NFC'))
    folded += character.toLowerCase().toUpperCase().toLowerCase();
  return folded.normalize('NFC');
}
