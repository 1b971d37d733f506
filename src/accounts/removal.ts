import { changesBetween } from '../audit/event.ts';
import type { Db, Tx } from '../db/tables.ts';
import type { Change, RecordEvent } from '../keys/change.ts';
import { assignKeys, deleteKeysOf } from '../keys/owned.ts';
import type { AccountId } from '../lib/brand.ts';
import { DomainError } from '../lib/failure.ts';
import type { Actor } from '../lib/principal.ts';
import { type Account, grantedScopes, publicAccount, standingOf } from './account.ts';
import {
  accountOf,
  assertAdminLeft,
  deleteAccount,
  findAccount,
  findRow,
  updateAccount,
} from './account-store.ts';
import type { ConfirmIdentity } from './confirmation.ts';
import { assertAdmin } from './grant.ts';
import { deleteInvitationsOf } from './invitation-store.ts';
import { retireInvitations } from './invitations.ts';
import { deleteSessions } from './session-store.ts';

/** What happens to the keys of an account that is deleted. `to`: the account that gets them. */
export type FateOfKeys = Readonly<{ do: 'delete' } | { do: 'hand_over'; to: AccountId }>;

export type RemovalParts = { db: Db; change: Change; confirmIdentity: ConfirmIdentity };

const invalid = (path: string, message: string) =>
  new DomainError({ code: 'invalid_request', errors: [{ path, message }] });

/** What an admin takes away: an account, or a second factor that is lost. */
export function createRemoval({ change, confirmIdentity }: RemovalParts) {
  /** @throws DomainError `invalid_request` unless the other account can have keys */
  async function recipient(tx: Tx, id: AccountId, from: AccountId): Promise<Account> {
    if (id === from) throw invalid('keys_to', 'must be another account than the one to delete');
    const account = await findAccount(tx, id);
    if (account?.isApproved !== true) throw invalid('keys_to', 'must be the id of an approved account');
    return account;
  }

  async function retireKeys(tx: Tx, id: AccountId, fate: FateOfKeys, record: RecordEvent): Promise<void> {
    if (fate.do === 'delete') return deleteKeysOf(tx, id, record);
    const to = await recipient(tx, fate.to, id);
    return assignKeys(tx, id, { id: to.id, standing: standingOf(to) }, grantedScopes(to), record);
  }

  return {
    /**
     * Deletes an account and ends its sessions. Keys that it hands over keep only the scopes that the other account holds.
     * @throws DomainError `account_not_found`, `invalid_request`, `last_admin_required`, `last_active_api_key_required`
     */
    async delete(id: AccountId, keys: FateOfKeys, actor: Actor, password?: string): Promise<void> {
      assertAdmin(actor);
      await confirmIdentity(actor, password);
      await change(actor, '*', async (tx, _maker, record) => {
        const account = await accountOf(tx, id);
        await assertAdminLeft(tx, account, undefined);
        await retireKeys(tx, id, keys, record);
        await retireInvitations(tx, id, record);
        await deleteInvitationsOf(tx, account.email);
        await deleteSessions(tx, id);
        await deleteAccount(tx, id);
        const changes = changesBetween(publicAccount(account), undefined);
        await record({ action: 'account.deleted', accountId: id, changes });
      });
    },

    /**
     * Removes the second factor of another account, for example after a phone is lost. All sessions of that account end.
     * @throws DomainError `account_not_found`, `two_factor_not_enabled`, `invalid_request` for the own account
     */
    async resetTwoFactor(id: AccountId, actor: Actor, password?: string): Promise<void> {
      assertAdmin(actor);
      const { principal } = actor;
      if (principal.kind === 'account' && principal.id === id)
        throw invalid('id', 'must be another account: a code disables your own two-factor authentication');
      await confirmIdentity(actor, password);
      await change(actor, '*', async (tx, _maker, record) => {
        await accountOf(tx, id);
        const row = await findRow(tx, id);
        if (row?.is_totp_confirmed !== 1) throw new DomainError({ code: 'two_factor_not_enabled' });
        await updateAccount(tx, id, { is_totp_confirmed: 0, totp_secret: null, recovery_codes: null });
        await deleteSessions(tx, id);
        const changes = changesBetween({ two_factor: true }, { two_factor: false });
        await record({ action: 'account.two_factor_disabled', accountId: id, changes });
      });
    },
  };
}
