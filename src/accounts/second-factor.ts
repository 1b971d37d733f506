import { timingSafeEqual } from 'node:crypto';
import type { Tx } from '../db/tables.ts';
import type { FailureOf } from '../lib/failure.ts';
import type { Seal } from '../pepper/seal.ts';
import { type AccountRow, updateAccount } from './account-store.ts';
import { stepOf } from './totp.ts';

/** What a person gives beside the password. */
export type SecondFactor = Readonly<{ code?: string | undefined; recoveryCode?: string | undefined }>;

/** What the sealed values of an account belong to. */
export const secretContext = ({ id }: Pick<AccountRow, 'id'>) => `totp ${id}`;
export const codesContext = ({ id }: Pick<AccountRow, 'id'>) => `recovery codes ${id}`;

export const hasGiven = ({ code, recoveryCode }: SecondFactor): boolean =>
  (code ?? '') !== '' || (recoveryCode ?? '') !== '';

/** The failure of a factor that is not accepted. A code decides where there are both. */
export const wrongFactor = ({ code }: SecondFactor): FailureOf<'invalid_two_factor_code'> => ({
  code: 'invalid_two_factor_code',
  given: code ? 'code' : 'recovery_code',
});

/** The recovery codes of an account that are left. */
export const recoveryCodesOf = (seal: Seal, row: AccountRow): string[] =>
  row.recovery_codes === null ? [] : JSON.parse(seal.open(row.recovery_codes, codesContext(row)));

/**
 * Accepts a second factor once: the code of an authenticator app, or a recovery code.
 * @param row the account, as it is in this transaction
 * @returns how it was accepted; undefined when it is wrong or used
 */
export async function acceptSecondFactor(
  tx: Tx,
  seal: Seal,
  row: AccountRow,
  given: SecondFactor,
  now: number,
): Promise<'code' | 'recovery_code' | undefined> {
  if (given.code && row.totp_secret !== null) {
    const secret = seal.open(row.totp_secret, secretContext(row));
    const step = stepOf(given.code, secret, now, row.totp_counter);
    if (step === undefined) return undefined;
    await updateAccount(tx, row.id, { totp_counter: step });
    return 'code';
  }
  const wanted = foldCode(given.recoveryCode ?? '');
  const codes = recoveryCodesOf(seal, row);
  const used = codes.find((code) => isSame(foldCode(code), wanted));
  if (used === undefined) return undefined;
  const left = codes.filter((code) => code !== used);
  await updateAccount(tx, row.id, { recovery_codes: seal.seal(JSON.stringify(left), codesContext(row)) });
  return 'recovery_code';
}

/** People leave hyphens out, and write in lower case. */
const foldCode = (code: string) => code.replaceAll(/[\s-]/g, '').toUpperCase();

/** Compares bytes, because a text with the same number of characters can have more of them. */
function isSame(one: string, other: string): boolean {
  const [bytes, others] = [Buffer.from(one), Buffer.from(other)];
  return bytes.length === others.length && timingSafeEqual(bytes, others);
}
