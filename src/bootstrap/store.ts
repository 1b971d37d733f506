import type { Db, Tx } from '../db/tables.ts';

export async function isClaimed(db: Db): Promise<boolean> {
  const claim = await db.selectFrom('bootstrap_claim').select('id').executeTakeFirst();
  return claim !== undefined;
}

/** Takes the one claim that a database has. False when it is gone. */
export async function takeClaim(tx: Tx, now: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('bootstrap_claim')
    .values({ id: 1, claimed_at: now })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}
