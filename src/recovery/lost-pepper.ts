import { changesBetween } from '../audit/event.ts';
import { insertEvent } from '../audit/store.ts';
import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';

/** How much of the database needed the lost pepper. */
export type PepperLoss = Readonly<{
  /** Keys that bcrypt proves at their next use. */
  keys: number;
  /** Imported keys that were not used yet, so they have no hash. */
  lostKeys: number;
  secondFactors: number;
  sessions: number;
  invitations: number;
}>;

/**
 * Gives the database a new pepper, and removes what needs the lost one. The hash of a key needs no pepper, and proves the
 * key at its next use.
 * @param check the new pepper check of the database
 */
export const replaceLostPepper = (db: Db, check: string, at: number): Promise<PepperLoss> =>
  transaction(db, async (tx) => {
    const clearFingerprints = tx
      .updateTable('api_keys')
      .set({ fingerprint: null })
      .where('fingerprint', 'is not', null);
    const lost = await tx
      .updateTable('api_keys')
      .set({ fingerprint: null, is_active: 0 })
      .where('fingerprint', 'is not', null)
      .where('hash', '=', '')
      .where('source', '<>', 'config')
      .executeTakeFirstOrThrow();
    // The file of a gateway makes the fingerprints of its keys again.
    await clearFingerprints.where('hash', '=', '').execute();
    const keys = await clearFingerprints.executeTakeFirstOrThrow();
    const secondFactors = await tx
      .updateTable('accounts')
      .set({ is_totp_confirmed: 0, totp_secret: null, recovery_codes: null })
      .where('totp_secret', 'is not', null)
      .executeTakeFirstOrThrow();
    const sessions = await tx.deleteFrom('sessions').executeTakeFirstOrThrow();
    const invitations = await tx.deleteFrom('invitations').executeTakeFirstOrThrow();
    await tx.updateTable('database_identity').set({ pepper_check: check, pepper_since: at }).execute();
    const loss = {
      keys: Number(keys.numUpdatedRows),
      lostKeys: Number(lost.numUpdatedRows),
      secondFactors: Number(secondFactors.numUpdatedRows),
      sessions: Number(sessions.numDeletedRows),
      invitations: Number(invitations.numDeletedRows),
    };
    await insertEvent(tx, {
      ...{ at, action: 'pepper.replaced', actor: { kind: 'operator' } },
      ...{ address: null, keyId: null, requestId: null },
      changes: changesBetween(undefined, {
        keys: loss.keys,
        lost_keys: loss.lostKeys,
        second_factors: loss.secondFactors,
        sessions: loss.sessions,
        invitations: loss.invitations,
      }),
    });
    return loss;
  });
