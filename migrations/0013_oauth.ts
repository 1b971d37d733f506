import type { Kysely } from 'kysely';

/** Sign-ins with a provider that are under way, and who refreshes which token now. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('oauth_flows')
    .addColumn('state', 'text', (column) => column.primaryKey().notNull())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('verifier', 'text', (column) => column.notNull())
    .addColumn('redirect_url', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('error', 'text')
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('oauth_leases')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('ends_at', 'bigint', (column) => column.notNull())
    .execute();
}
