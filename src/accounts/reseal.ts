import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import { AccountId } from '../lib/brand.ts';
import type { Seal } from '../pepper/seal.ts';
import { codesContext, secretContext } from './second-factor.ts';

const AT_ONCE = 100;

/** Seals the second factors of all accounts again, so that they need the previous pepper no longer. */
export async function resealSecondFactors(db: Db, seal: Seal): Promise<void> {
  for (let after: AccountId | undefined = AccountId(''); after !== undefined; ) {
    const rows = await db
      .selectFrom('accounts')
      .select(['id', 'totp_secret', 'recovery_codes'])
      .where('id', '>', after)
      .where(({ eb, or }) => or([eb('totp_secret', 'is not', null), eb('recovery_codes', 'is not', null)]))
      .orderBy('id')
      .limit(AT_ONCE)
      .execute();
    const again = (sealed: string | null, context: string) =>
      sealed === null ? null : seal.seal(seal.open(sealed, context), context);
    await transaction(db, async (tx) => {
      for (const row of rows) {
        const totp_secret = again(row.totp_secret, secretContext(row));
        const recovery_codes = again(row.recovery_codes, codesContext(row));
        // Only if nobody has changed them in the meantime.
        await tx
          .updateTable('accounts')
          .set({ totp_secret, recovery_codes })
          .where('id', '=', row.id)
          .where('totp_secret', row.totp_secret === null ? 'is' : '=', row.totp_secret)
          .where('recovery_codes', row.recovery_codes === null ? 'is' : '=', row.recovery_codes)
          .execute();
      }
    });
    after = rows.length === AT_ONCE ? rows.at(-1)?.id : undefined;
  }
}
