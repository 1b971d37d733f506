import { changesBetween } from '../audit/event.ts';
import type { Db, Tx } from '../db/tables.ts';
import type { Change, RecordEvent } from '../keys/change.ts';
import type { Maker } from '../keys/maker.ts';
import { assignKeys } from '../keys/owned.ts';
import type { AccountId, Scope } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import type { Actor, Role } from '../lib/principal.ts';
import { type Account, grantedScopes, publicAccount, standingOf } from './account.ts';
import { accountOf, assertAdminLeft, findAccount, listAccounts, updateAccount } from './account-store.ts';
import type { ConfirmIdentity } from './confirmation.ts';
import { assertAdmin, assertGrantable, type Grant } from './grant.ts';
import { retireInvitations } from './invitations.ts';
import type { Passwords } from './passwords.ts';
import { personOf } from './person.ts';
import { createRemoval } from './removal.ts';
import { createAccount, type NewAccount } from './setup.ts';

export type AccountService = ReturnType<typeof createAccountService>;

export type AccountServiceParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  passwords: Pick<Passwords, 'hash'>;
  change: Change;
  confirmIdentity: ConfirmIdentity;
};

/** What an admin can change. Absent: as before. */
export type AccountChange = Readonly<{
  name?: string | undefined;
  role?: Role | undefined;
  scopes?: readonly Scope[] | undefined;
}>;

const notYet = (path: string) =>
  new DomainError({
    code: 'invalid_request',
    errors: [{ path, message: 'can change only when the account is approved: approve it first' }],
  });

/**
 * Reads and changes accounts, for admins. `password` is that of the admin, who need not give it within 15 minutes of the
 * sign-in. A change throws a DomainError `insufficient_scope`, and what `confirmIdentity` throws.
 */
export function createAccountService(parts: AccountServiceParts) {
  const { db, clock, passwords, change, confirmIdentity } = parts;

  /** Writes what became of an account, and narrows its keys to what it still holds. */
  async function settle(tx: Tx, before: Account, after: Account, record: RecordEvent): Promise<Account> {
    await assertAdminLeft(tx, before, after);
    const { id, name, role, scopes, isApproved } = after;
    await updateAccount(tx, id, { name, role, scopes: scopes.join(' '), is_approved: isApproved ? 1 : 0 });
    await record({
      action: after.isApproved && !before.isApproved ? 'account.approved' : 'account.updated',
      accountId: id,
      changes: changesBetween(publicAccount(before), publicAccount(after)),
    });
    await assignKeys(tx, id, { id, standing: standingOf(after) }, grantedScopes(after), record);
    if (standingOf(after) !== 'admin') await retireInvitations(tx, id, record);
    return after;
  }

  /** What an account becomes. @throws DomainError `invalid_request`, `insufficient_scope` */
  function changed(before: Account, { name, role, scopes }: AccountChange, maker: Maker): Account {
    if (role === undefined && scopes === undefined) return { ...before, name: name ?? before.name };
    if (!before.isApproved) throw notYet(role === undefined ? 'scopes' : 'role');
    const grant = {
      role: role ?? before.role,
      // An admin who becomes a member gets no scopes unless the change names them.
      scopes: scopes ?? (role === 'admin' ? [] : before.scopes),
    };
    assertGrantable(grant, maker);
    return { ...before, ...grant, name: name ?? before.name };
  }

  return {
    ...createRemoval(parts),

    /** The account of the request. @throws DomainError `account_only` */
    async self(actor: Actor): Promise<Account> {
      const account = await findAccount(db, personOf(actor).id);
      if (!account) throw new DomainError({ code: 'invalid_session' });
      return account;
    },

    /** All accounts, the oldest first. */
    async list(actor: Actor): Promise<Account[]> {
      assertAdmin(actor);
      return listAccounts(db);
    },

    /** An account, for admins and for the person. @throws DomainError `insufficient_scope`, `account_not_found` */
    async get(id: AccountId, actor: Actor): Promise<Account> {
      const { principal } = actor;
      if (principal.kind !== 'account' || principal.id !== id) assertAdmin(actor);
      return accountOf(db, id);
    },

    /** Makes an approved account. @throws DomainError `invalid_request`, `email_already_used` */
    async create(
      { email, password, name = '', role, scopes }: NewAccount & Grant,
      actor: Actor,
      adminPassword?: string,
    ): Promise<Account> {
      assertAdmin(actor);
      await confirmIdentity(actor, adminPassword);
      const hash = await passwords.hash(`sign-in ${actor.address}`, password);
      return change(actor, '*', async (tx, maker, record) => {
        assertGrantable({ role, scopes }, maker);
        const wanted = { email, name, role, scopes, isApproved: true, createdAt: clock.now() };
        const account = await createAccount(tx, wanted, hash);
        const changes = changesBetween(undefined, publicAccount(account));
        await record({ action: 'account.created', accountId: account.id, changes });
        return account;
      });
    },

    /** Makes the keys of an account that registered itself valid everywhere. Nothing happens when it is approved. */
    async approve(id: AccountId, actor: Actor, password?: string): Promise<Account> {
      assertAdmin(actor);
      await confirmIdentity(actor, password);
      return change(actor, '*', async (tx, _maker, record) => {
        const before = await accountOf(tx, id);
        return before.isApproved ? before : settle(tx, before, { ...before, isApproved: true }, record);
      });
    },

    /**
     * Changes the name, the role or the scopes. The keys of the account keep only the scopes that it still holds.
     * @throws DomainError `account_not_found`, `invalid_request`, `last_admin_required`, `last_active_api_key_required`
     */
    async update(id: AccountId, wanted: AccountChange, actor: Actor, password?: string): Promise<Account> {
      assertAdmin(actor);
      const isOnlyName = wanted.role === undefined && wanted.scopes === undefined;
      if (!isOnlyName || password !== undefined) await confirmIdentity(actor, password);
      return change(actor, '*', async (tx, maker, record) => {
        const before = await accountOf(tx, id);
        const after = changed(before, wanted, maker);
        const changes = changesBetween(publicAccount(before), publicAccount(after));
        return Object.keys(changes).length === 0 ? before : settle(tx, before, after, record);
      });
    },
  };
}
