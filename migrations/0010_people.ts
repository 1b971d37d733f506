import { type CreateTableBuilder, type Kysely, PostgresAdapter, sql } from 'kysely';

/** Accounts of people, their sessions and invitations, and the keys and audit events that belong to accounts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('email', 'text', (column) => column.notNull().unique())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('is_approved', 'integer', (column) => column.notNull())
    .addColumn('password_hash', 'text', (column) => column.notNull())
    .addColumn('totp_secret', 'text')
    .addColumn('is_totp_confirmed', 'integer', (column) => column.notNull())
    .addColumn('totp_counter', 'bigint', (column) => column.notNull())
    .addColumn('recovery_codes', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('last_sign_in_at', 'bigint')
    .execute();

  await addGeneratedId(db, db.schema.createTable('sessions'))
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('signed_in_at', 'bigint', (column) => column.notNull())
    .addColumn('renewed_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('user_agent', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('sessions_account').on('sessions').column('account_id').execute();
  await db.schema.createIndex('sessions_expiry').on('sessions').column('expires_at').execute();

  await addGeneratedId(db, db.schema.createTable('invitations'))
    .addColumn('fingerprint', 'text', (column) => column.notNull().unique())
    .addColumn('email', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('invited_by', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();

  await sql`alter table api_keys add column account_id text`.execute(db);
  await sql`alter table api_keys add column account_standing text`.execute(db);
  await sql`create index api_keys_account on api_keys (account_id, created_at, id) where account_id is not null`.execute(
    db,
  );

  await sql`alter table audit_events add column actor_account text`.execute(db);
  await sql`alter table audit_events add column account_id text`.execute(db);
  for (const column of ['actor_account', 'account_id']) {
    await sql`create index ${sql.raw(`audit_events_${column}`)} on audit_events (${sql.raw(column)}, at, id)
      where ${sql.raw(column)} is not null`.execute(db);
  }

  if (!(db.getExecutor().adapter instanceof PostgresAdapter)) return;
  await announce(
    db,
    'accounts',
    'email, name, role, scopes, is_approved, password_hash, totp_secret, is_totp_confirmed',
  );
  await announce(db, 'sessions', 'account_id, kind, fingerprint, signed_in_at');
  await sql`
    create trigger keyhearth_announce_account
    after update of account_id, account_standing on api_keys
    for each statement execute function keyhearth_announce_change()
  `.execute(db);
  await sql`alter table api_keys enable always trigger keyhearth_announce_account`.execute(db);
}

/** Other processes cache rows until a change is announced. They cache no missing rows, so new rows need none. */
async function announce(db: Kysely<unknown>, table: string, columns: string): Promise<void> {
  await sql`
    create trigger keyhearth_announce_change
    after delete or truncate or update of ${sql.raw(columns)} on ${sql.table(table)}
    for each statement execute function keyhearth_announce_change()
  `.execute(db);
  await sql`alter table ${sql.table(table)} enable always trigger keyhearth_announce_change`.execute(db);
}

/** The database generates the ids, and never gives one again. */
const addGeneratedId = <Table extends string>(
  db: Kysely<unknown>,
  table: CreateTableBuilder<Table>,
): CreateTableBuilder<Table, 'id'> =>
  db.getExecutor().adapter instanceof PostgresAdapter
    ? table.addColumn('id', 'bigint', (column) => column.primaryKey().generatedByDefaultAsIdentity())
    : table.addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement());
