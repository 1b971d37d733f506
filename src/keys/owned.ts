import { changesBetween } from '../audit/event.ts';
import type { Tx } from '../db/tables.ts';
import { type AccountId, Scope } from '../lib/brand.ts';
import { DomainError } from '../lib/failure.ts';
import type { Owner } from '../lib/principal.ts';
import type { RecordEvent } from './change.ts';
import type { ApiKey } from './key.ts';
import { exceedsScopes, isManaging } from './permission.ts';
import { columns, toApiKey } from './row.ts';
import { commonScopes, everyScope } from './scopes.ts';
import { hasManagingKey } from './store.ts';
import { publicSettings } from './wire.ts';

/** What happens to the keys of an account when the account changes. They hold at most what the account holds. */

const keysOf = async (tx: Tx, account: AccountId): Promise<ApiKey[]> =>
  (
    await tx.selectFrom('api_keys').select(columns).where('account_id', '=', account).orderBy('id').execute()
  ).map(toApiKey);

async function grantedTo(tx: Tx, { id, standing }: Owner): Promise<readonly Scope[]> {
  if (standing === 'admin') return everyScope;
  const row = await tx.selectFrom('accounts').select('scopes').where('id', '=', id).executeTakeFirst();
  return standing === 'pending' || !row?.scopes ? [] : row.scopes.split(' ').map(Scope);
}

/** @throws DomainError `invalid_request` when a key would hold more than its account */
export async function assertGranted(tx: Tx, key: Pick<ApiKey, 'account' | 'scopes'>): Promise<void> {
  const exceeding = key.account && exceedsScopes({ scopes: await grantedTo(tx, key.account) }, key);
  if (!exceeding) return;
  const message = `must be scopes of the account that the key belongs to. It does not have ${exceeding.scopes.join(', ')}`;
  throw new DomainError({ code: 'invalid_request', errors: [{ path: 'scopes', message }] });
}

/** Some key must always be able to manage all keys. */
async function assertManaged(tx: Tx, isOneRetired: boolean): Promise<void> {
  if (isOneRetired && !(await hasManagingKey(tx)))
    throw new DomainError({ code: 'last_active_api_key_required' });
}

/**
 * Makes all keys of an account the keys of `to`, which is the same account after a change, or another one. They keep only
 * the scopes that `to` holds.
 * @param granted what `to` holds
 * @throws DomainError `last_active_api_key_required`
 */
export async function assignKeys(
  tx: Tx,
  from: AccountId,
  to: Owner,
  granted: readonly Scope[],
  record: RecordEvent,
): Promise<void> {
  const before = await keysOf(tx, from);
  const after = before.map((key) => ({ ...key, account: to, scopes: commonScopes(key.scopes, granted) }));
  const narrowed = new Map(
    before.map((key, i) => [key.scopes.join(' '), after[i]?.scopes.join(' ') ?? ''] as const),
  );
  // One statement for all keys with the same scopes, however many there are.
  for (const [scopes, kept] of narrowed)
    if (kept !== scopes)
      await tx
        .updateTable('api_keys')
        .set({ scopes: kept })
        .where('account_id', '=', from)
        .where('scopes', '=', scopes)
        .execute();
  await tx
    .updateTable('api_keys')
    .set({ account_id: to.id, account_standing: to.standing })
    .where('account_id', '=', from)
    .execute();
  await assertManaged(
    tx,
    before.some((key, i) => isManaging(key) && !isManaging(after[i] ?? key)),
  );
  const states = (key: ApiKey) => ({ account_id: key.account?.id ?? null, scopes: [...key.scopes] });
  await record(
    after
      .map((key, i) => ({ key, changes: changesBetween(states(before[i] ?? key), states(key)) }))
      .filter(({ changes }) => Object.keys(changes).length > 0)
      .map((each) => ({ action: 'key.updated', ...each })),
  );
}

/** Deletes all keys of an account. @throws DomainError `last_active_api_key_required` */
export async function deleteKeysOf(tx: Tx, account: AccountId, record: RecordEvent): Promise<void> {
  const keys = await keysOf(tx, account);
  await tx.deleteFrom('api_keys').where('account_id', '=', account).execute();
  await assertManaged(tx, keys.some(isManaging));
  await record(
    keys.map((key) => ({
      action: 'key.deleted',
      key,
      changes: changesBetween(publicSettings(key), undefined),
    })),
  );
}
