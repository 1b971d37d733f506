import type { Reader } from '../db/engine.ts';
import type { Db, Tx } from '../db/tables.ts';

const claims = (db: Db) => db.selectFrom('bootstrap_claim').select('id');

export const isClaimed = async (db: Db) => (await claims(db).executeTakeFirst()) !== undefined;

/** The same, with the fast reader of the engine, which does not wait for changes. */
export const fastIsClaimed = (db: Db, reader: Reader) => reader.exists(claims(db).compile());

/** Takes the claim of a database. Returns false if it is already taken. */
export async function takeClaim(tx: Tx, now: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('bootstrap_claim')
    .values({ id: 1, claimed_at: now })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}
