import { randomInt } from 'node:crypto';
import { renderSVG } from 'uqr';
import { changesBetween } from '../audit/event.ts';
import type { Db, Tx } from '../db/tables.ts';
import type { Change, RecordEvent } from '../keys/change.ts';
import { assertRecent } from '../keys/recent-sign-in.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import type { AccountPrincipal, Actor } from '../lib/principal.ts';
import type { Seal } from '../pepper/seal.ts';
import { type AccountRow, findRow, updateAccount } from './account-store.ts';
import { type Attempt, attempterOf, type Failed, failed, passed } from './attempts.ts';
import type { ConfirmIdentity } from './confirmation.ts';
import { personOf } from './person.ts';
import {
  acceptSecondFactor,
  codesContext,
  recoveryCodesOf,
  type SecondFactor,
  secretContext,
  wrongFactor,
} from './second-factor.ts';
import { deleteSessions } from './session-store.ts';
import { newSecret, stepOf, uriOf } from './totp.ts';

export type TwoFactorService = ReturnType<typeof createTwoFactor>;

/** What a person needs to set up an authenticator app. */
export type PendingTwoFactor = Readonly<{
  /** 32 base32 characters. */
  secret: string;
  uri: string;
  qrSvg: string;
  recoveryCodes: string[];
}>;

export type TwoFactorParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  seal: Seal;
  change: Change;
  attempt: Attempt;
  confirmIdentity: ConfirmIdentity;
};

const CODES = 8;
const CODE_LENGTH = 10;
/** Crockford's base 32: no I, L, O and U, which people misread. 50 bits a code. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function newRecoveryCode(): string {
  const code = Array.from({ length: CODE_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `${code.slice(0, CODE_LENGTH / 2)}-${code.slice(CODE_LENGTH / 2)}`;
}

const isConfirmed = (row: AccountRow) => row.is_totp_confirmed === 1;

const notEnabled = () => new DomainError({ code: 'two_factor_not_enabled' });

/** The second factor of the person who is signed in. @throws DomainError `account_only` for a key */
export function createTwoFactor({ db, clock, seal, change, attempt, confirmIdentity }: TwoFactorParts) {
  async function rowOf(handle: Db | Tx, { id }: AccountPrincipal): Promise<AccountRow> {
    const row = await findRow(handle, id);
    if (!row) throw new DomainError({ code: 'invalid_session' });
    return row;
  }

  /** The row with the secret, confirmed or not. It needs a sign-in less than 15 minutes old. */
  async function revealed(actor: Actor): Promise<AccountRow & { totp_secret: string }> {
    const person = personOf(actor);
    assertRecent(person, clock.now(), { isReading: true });
    const { totp_secret, ...row } = await rowOf(db, person);
    if (totp_secret === null) throw notEnabled();
    return { ...row, totp_secret };
  }

  /** Changes the second factor. All other sessions of the account end. */
  function changeOwn(
    actor: Actor,
    action: 'account.two_factor_enabled' | 'account.two_factor_disabled',
    wrong: Failed['failure'],
    work: (tx: Tx, row: AccountRow, record: RecordEvent) => Promise<boolean>,
  ): Promise<unknown> {
    const { id, sessionId } = personOf(actor);
    return attempt(attempterOf(actor), () =>
      change(actor, undefined, async (tx, _maker, record) => {
        if (!(await work(tx, await rowOf(tx, personOf(actor)), record))) return failed(wrong);
        await deleteSessions(tx, id, sessionId);
        const isOn = action === 'account.two_factor_enabled';
        const changes = changesBetween({ two_factor: !isOn }, { two_factor: isOn });
        await record({ action, keyId: null, accountId: id, changes });
        return passed;
      }),
    );
  }

  return {
    async status(actor: Actor): Promise<{ enabled: boolean }> {
      return { enabled: isConfirmed(await rowOf(db, personOf(actor))) };
    },

    /**
     * Makes a secret and recovery codes, which count only after `confirm`. Earlier ones that are not confirmed are gone.
     * @param password the password; not needed within 15 minutes of the sign-in
     * @throws DomainError `two_factor_already_enabled`, and what `confirmIdentity` throws
     */
    async begin(actor: Actor, password?: string): Promise<PendingTwoFactor> {
      const person = personOf(actor);
      await confirmIdentity(actor, password);
      return change(actor, undefined, async (tx) => {
        const row = await rowOf(tx, person);
        if (isConfirmed(row)) throw new DomainError({ code: 'two_factor_already_enabled' });
        const secret = newSecret();
        const recoveryCodes = Array.from({ length: CODES }, newRecoveryCode);
        await updateAccount(tx, row.id, {
          totp_secret: seal.seal(secret, secretContext(row)),
          totp_counter: 0,
          recovery_codes: seal.seal(JSON.stringify(recoveryCodes), codesContext(row)),
        });
        const uri = uriOf(secret, row.email);
        return { secret, uri, qrSvg: renderSVG(uri), recoveryCodes };
      });
    },

    /**
     * Enables the second factor. It does not ask for the password again: a code needs the secret, and `begin` has asked
     * for the password before it showed the secret.
     * @param given `secret`: the secret that the client has; it must be the latest one
     * @throws DomainError `invalid_two_factor_code`, `two_factor_already_enabled`, `two_factor_not_enabled`
     */
    async confirm(given: { code: string; secret?: string | undefined }, actor: Actor): Promise<void> {
      const wrong = { code: 'invalid_two_factor_code', given: 'confirmation' } as const;
      await changeOwn(actor, 'account.two_factor_enabled', wrong, async (tx, row) => {
        if (isConfirmed(row)) throw new DomainError({ code: 'two_factor_already_enabled' });
        if (row.totp_secret === null)
          throw new DomainError({ code: 'two_factor_not_enabled', isConfirming: true });
        const secret = seal.open(row.totp_secret, secretContext(row));
        if (given.secret !== undefined && given.secret !== secret) return false;
        const step = stepOf(given.code, secret, clock.now(), row.totp_counter);
        if (step === undefined) return false;
        await updateAccount(tx, row.id, { is_totp_confirmed: 1, totp_counter: step });
        return true;
      });
    },

    /**
     * @param factor a code, or a recovery code; `password`: not needed within 15 minutes of the sign-in
     * @throws DomainError `invalid_two_factor_code`, `two_factor_not_enabled`, and what `confirmIdentity` throws
     */
    async disable(factor: SecondFactor & { password?: string | undefined }, actor: Actor): Promise<void> {
      personOf(actor);
      await confirmIdentity(actor, factor.password);
      await changeOwn(actor, 'account.two_factor_disabled', wrongFactor(factor), async (tx, row, record) => {
        if (!isConfirmed(row)) throw notEnabled();
        const accepted = await acceptSecondFactor(tx, seal, row, factor, clock.now());
        if (!accepted) return false;
        if (accepted === 'recovery_code')
          await record({ action: 'account.recovery_code_used', keyId: null, accountId: row.id, changes: {} });
        await updateAccount(tx, row.id, { is_totp_confirmed: 0, totp_secret: null, recovery_codes: null });
        return true;
      });
    },

    /** The QR code of the secret. @throws DomainError `recent_sign_in_required`, `two_factor_not_enabled` */
    async qrSvg(actor: Actor): Promise<string> {
      const row = await revealed(actor);
      return renderSVG(uriOf(seal.open(row.totp_secret, secretContext(row)), row.email));
    },

    /** The recovery codes that are left. @throws DomainError `recent_sign_in_required`, `two_factor_not_enabled` */
    async recoveryCodes(actor: Actor): Promise<string[]> {
      return recoveryCodesOf(seal, await revealed(actor));
    },
  };
}
