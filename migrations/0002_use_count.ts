import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('api_keys')
    .addColumn('use_count', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
}
