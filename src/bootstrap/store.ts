import type { Reader } from '../db/database.ts';
import type { Db, Tx } from '../db/tables.ts';

const claims = (db: Db) => db.selectFrom('bootstrap_claim').select('id');

export const isClaimed = async (db: Db) => (await claims(db).executeTakeFirst()) !== undefined;

/** The same by the way that waits for no change: it is what every question after the health of the service asks. */
export const claimLook = (db: Db, reader: Reader) => reader.exists(claims(db).compile());

/** Takes the one claim that a database has. False when it is gone. */
export async function takeClaim(tx: Tx, now: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('bootstrap_claim')
    .values({ id: 1, claimed_at: now })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}
