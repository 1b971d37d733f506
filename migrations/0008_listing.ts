import { type Kysely, PostgresAdapter, sql } from 'kysely';

/** The columns by which a list of keys is filtered and sorted, of the row `key` of `api_keys`. */
const listed = (key: string, isPostgres: boolean) => {
  const folded = (column: string) =>
    `coalesce(${key}.${column}_folded, lower(${key}.${column}${isPostgres ? ' collate "C"' : ''}))`;
  return [
    ...[`${key}.created_at`, `${key}.id`, lastUse(key), `coalesce(${key}.expires_at, 9007199254740991)`],
    ...[`${key}.is_active * (1 + ${key}.is_expired)`, folded('label'), folded('owner')],
    ...[`' ' || ${key}.scopes || ' '`, `${key}.source`, `${key}.prefix`],
  ].join(', ');
};

const lastUse = (key: string) => `coalesce(${key}.last_used_at, -1)`;

/** What a row of the list depends on, but for the last use, which changes all the time. */
const CHANGED = [
  ...['label', 'owner', 'label_folded', 'owner_folded', 'is_active', 'is_expired', 'expires_at'],
  ...['scopes', 'source', 'prefix', 'created_at', 'id'],
].join(', ');

/** Each filter and each sort has its index. A page is read in the order of the index. */
const indexes = [
  'source on api_key_listing (source, created_at, id)',
  'prefix on api_key_listing (prefix, created_at, id)',
  'last_used_at on api_key_listing (last_used_at, id)',
  'expires_at on api_key_listing (expires_at, id)',
  'state on api_key_listing (state, created_at, id, expires_at)',
  "unlimited on api_key_listing (created_at, id) where scopes = ' * '",
];

export async function up(db: Kysely<unknown>): Promise<void> {
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
  const run = (text: string) => sql.raw(text).execute(db);
  const inOrder = isPostgres ? '' : ' without rowid';

  // The text to search in. It is null when the text is ASCII, which SQL can fold.
  for (const column of ['label_folded', 'owner_folded'])
    await run(`alter table api_keys add column ${column} text`);
  await foldLabels(db, isPostgres);

  // A third of the table of keys. state: 0 for inactive keys, 1 for others, 2 for those that are marked as expired.
  await run(`create table api_key_listing (
    created_at bigint not null, id bigint not null, last_used_at bigint not null, expires_at bigint not null,
    state integer not null, label text not null, owner text not null, scopes text not null, source text not null,
    prefix text, primary key (created_at, id)
  )${inOrder}`);
  await listKeys(db, listed('key', isPostgres));
  for (const index of indexes) await run(`create index api_key_listing_${index}`);

  // The scopes of a key, one by one. Every key that exists now has "*", which has an index of its own.
  await run(`create table api_key_scopes (
    scope text not null, created_at bigint not null, id bigint not null, primary key (scope, created_at, id)
  )${inOrder}`);
  await (isPostgres ? addPostgresTriggers(run) : addSqliteTriggers(run));
  // Without statistics, PostgreSQL expects that a filter leaves few of a million keys.
  if (isPostgres) await run('analyze api_key_listing');
}

const KEYS_AT_ONCE = 50_000;

/** In parts, because PostgreSQL ends each statement of the service after five seconds. */
async function listKeys(db: Kysely<unknown>, columns: string): Promise<void> {
  for (let after = 0; ; ) {
    const { rows } = await sql<{ last: number | null }>`
      select max(id) as last from (select id from api_keys where id > ${after} order by id limit ${KEYS_AT_ONCE}) as part
    `.execute(db);
    const last = rows[0]?.last ?? null;
    if (last === null) return;
    await sql`
      insert into api_key_listing select ${sql.raw(columns)} from api_keys as key
      where id > ${after} and id <= ${last} order by created_at, id
    `.execute(db);
    after = Number(last);
  }
}

type Run = (text: string) => Promise<unknown>;

/** Nobody can write a key and forget the tables, for example a person with the command line of the database. */
async function addSqliteTriggers(run: Run): Promise<void> {
  const add = `insert into api_key_listing select ${listed('new', false)};`;
  const remove = 'delete from api_key_listing where created_at = old.created_at and id = old.id;';
  await run(`create trigger api_key_listing_insert after insert on api_keys begin ${add} end`);
  await run(`create trigger api_key_listing_delete after delete on api_keys begin ${remove} end`);
  await run(`create trigger api_key_listing_update after update of ${CHANGED} on api_keys
    begin ${remove} ${add} end`);
  await run(`create trigger api_key_listing_use after update of last_used_at on api_keys
    begin update api_key_listing set last_used_at = ${lastUse('new')}
      where created_at = new.created_at and id = new.id; end`);

  const addScopes = `insert or ignore into api_key_scopes (scope, created_at, id)
    select value, new.created_at, new.id from json_each('["' || replace(new.scopes, ' ', '","') || '"]')
    where new.scopes not in ('*', '');`;
  const removeScopes = `delete from api_key_scopes where created_at = old.created_at and id = old.id and scope in
    (select value from json_each('["' || replace(old.scopes, ' ', '","') || '"]'));`;
  await run(`create trigger api_key_scopes_insert after insert on api_keys
    when new.scopes not in ('*', '') begin ${addScopes} end`);
  await run(`create trigger api_key_scopes_delete after delete on api_keys
    when old.scopes not in ('*', '') begin ${removeScopes} end`);
  await run(`create trigger api_key_scopes_update after update of scopes, created_at, id on api_keys
    when old.scopes <> new.scopes or old.created_at <> new.created_at or old.id <> new.id
    begin ${removeScopes} ${addScopes} end`);
}

async function addPostgresTriggers(run: Run): Promise<void> {
  await run(`
    create function keyhearth_list_key() returns trigger language plpgsql as $$
    begin
      if tg_op <> 'INSERT' then
        delete from api_key_listing where created_at = old.created_at and id = old.id;
      end if;
      if tg_op <> 'DELETE' then
        insert into api_key_listing select ${listed('new', true)};
      end if;
      return null;
    end $$
  `);
  await run(`create trigger keyhearth_list_key after insert or delete or update of ${CHANGED} on api_keys
    for each row execute function keyhearth_list_key()`);
  await run(`
    create function keyhearth_list_use() returns trigger language plpgsql as $$
    begin
      update api_key_listing set last_used_at = ${lastUse('new')}
        where created_at = new.created_at and id = new.id;
      return null;
    end $$
  `);
  await run(`create trigger keyhearth_list_use after update of last_used_at on api_keys
    for each row execute function keyhearth_list_use()`);

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
