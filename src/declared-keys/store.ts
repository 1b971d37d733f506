import { sql } from 'kysely';
import { jsonElements } from '../db/differences.ts';
import type { Db, Tables, Tx } from '../db/tables.ts';
import { GATEWAY_USE } from '../keys/scopes.ts';
import type { Fingerprint, KeyId } from '../lib/brand.ts';
import { foldedUnlessAscii } from '../lib/fold.ts';
import type { Declared, Kept, Stored } from './differences.ts';

/** The rows of declared keys. Each statement has the same text for any number of keys, and takes some of them. */

const columns = [
  ...(['id', 'fingerprint', 'hint', 'label', 'is_active', 'source'] as const),
  ...(['owner', 'expires_at', 'is_expired', 'allowed_ips', 'rate_limits', 'metadata'] as const),
  'max_concurrent',
] as const;

const toStored = (row: Row): Stored => ({
  id: row.id,
  fingerprint: row.fingerprint,
  hint: row.hint,
  label: row.label,
  isActive: row.is_active === 1,
  isDeclared: row.source === 'config',
  settings: JSON.stringify([
    ...[row.owner, row.expires_at, row.is_expired, row.allowed_ips],
    ...[row.rate_limits, row.metadata, row.max_concurrent],
  ]),
});

/** A row of one JSON array for each element of the list. */
const listed = (db: Db | Tx, list: readonly unknown[]) => jsonElements<Tables>(db, JSON.stringify(list));

const idsIn = (db: Db | Tx, ids: readonly KeyId[]) =>
  sql`(select cast(listed.value ->> 0 as bigint) as id from ${listed(
    db,
    ids.map((id) => [id]),
  )} as listed)`;

/** How far a gateway is. */
export async function findGateway(db: Db | Tx, gateway: string) {
  const found = await db
    .selectFrom('gateways')
    .select(['digest', 'progress'])
    .where('name', '=', gateway)
    .executeTakeFirst();
  return found ?? { digest: '', progress: '' };
}

export async function storeGateway(
  tx: Tx,
  gateway: string,
  state: Readonly<{ digest: string; progress: string }>,
  now: number,
): Promise<void> {
  const row = { ...state, synced_at: now };
  await tx
    .insertInto('gateways')
    .values({ name: gateway, ...row })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
    .execute();
}

/** Whether a row of the gateway is gone, inactive, or has lost its fingerprint. */
export async function hasDamagedRow(db: Db | Tx, gateway: string): Promise<boolean> {
  const found = await db
    .selectFrom('gateway_keys')
    .leftJoin('api_keys', 'api_keys.id', 'gateway_keys.key_id')
    .select('gateway_keys.key_id')
    .where('gateway', '=', gateway)
    .where(sql<boolean>`(api_keys.id is null or is_active = 0 or fingerprint is null)`)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

const members = (db: Db | Tx, gateway: string) =>
  db
    .selectFrom('gateway_keys')
    .innerJoin('api_keys', 'api_keys.id', 'gateway_keys.key_id')
    .select(columns)
    .where('gateway', '=', gateway);

type Row = Awaited<ReturnType<ReturnType<typeof members>['execute']>>[number];

/** The next rows that a gateway declares. */
export const membersAfter = async (db: Db | Tx, gateway: string, after: number, limit: number) =>
  (
    await members(db, gateway)
      .where('key_id', '>', after as KeyId)
      .orderBy('key_id')
      .limit(limit)
      .execute()
  ).map(toStored);

/** Those of the rows that a gateway declares. */
export const membersAmong = async (db: Db | Tx, gateway: string, ids: readonly KeyId[]) =>
  (
    await members(db, gateway)
      .where(sql<boolean>`key_id in ${idsIn(db, ids)}`)
      .execute()
  ).map(toStored);

export async function findByFingerprints(
  tx: Db | Tx,
  fingerprints: readonly Fingerprint[],
): Promise<Stored[]> {
  const list = listed(
    tx,
    fingerprints.map((fingerprint) => [fingerprint]),
  );
  const rows = await tx
    .selectFrom('api_keys')
    .select(columns)
    .where(sql<boolean>`fingerprint in (select listed.value ->> 0 from ${list} as listed)`)
    .execute();
  return rows.map(toStored);
}

/** Another transaction may have stored one of the keys just now. It is left out. */
export async function insertDeclared(
  tx: Tx,
  keys: readonly Declared[],
  now: number,
): Promise<{ id: KeyId; fingerprint: Fingerprint }[]> {
  const list = listed(
    tx,
    keys.map(({ label, hint, fingerprint }) => [label, foldedUnlessAscii(label), hint, fingerprint]),
  );
  const { rows } = await sql<{ id: KeyId; fingerprint: Fingerprint }>`
    insert into api_keys (label, label_folded, hint, fingerprint, hash, prefix, owner, scopes, is_active, is_expired,
      allowed_ips, rate_limits, metadata, source, created_at, use_count)
    select listed.value ->> 0, listed.value ->> 1, listed.value ->> 2, listed.value ->> 3, '', null, '', ${sql.lit(GATEWAY_USE)}, 1, 0,
      '', '[]', '{}', 'config', cast(${now} as bigint), 0
    from ${list} as listed where true
    on conflict (fingerprint) do nothing
    returning id, fingerprint
  `.execute(tx);
  return rows;
}

/** Makes rows as the file says. What the file does not decide stays as it is. */
export async function restore(tx: Tx, kept: readonly Kept[]): Promise<void> {
  const list = listed(
    tx,
    kept.map(({ row, declared: { label, fingerprint } }) => [
      ...[row.id, label, foldedUnlessAscii(label), fingerprint],
    ]),
  );
  await sql`
    update api_keys set label = listed.value ->> 1, label_folded = listed.value ->> 2,
      fingerprint = listed.value ->> 3, is_active = 1
    from ${list} as listed where api_keys.id = cast(listed.value ->> 0 as bigint)
  `.execute(tx);
}

export async function addMembers(tx: Tx, gateway: string, ids: readonly KeyId[]): Promise<void> {
  await sql`insert into gateway_keys (gateway, key_id)
    select cast(${gateway} as text), added.id from ${idsIn(tx, ids)} as added where true on conflict do nothing
  `.execute(tx);
}

/** After somebody deleted a row in the database itself. */
export async function removeDeleted(tx: Tx, gateway: string): Promise<void> {
  await tx
    .deleteFrom('gateway_keys')
    .where('gateway', '=', gateway)
    .where(sql<boolean>`not exists (select 1 from api_keys where id = gateway_keys.key_id)`)
    .execute();
}

/** Keys that no other gateway declares are inactive from now on. @returns these */
export async function removeMembers(tx: Tx, gateway: string, ids: readonly KeyId[]): Promise<Set<KeyId>> {
  await sql`delete from gateway_keys where gateway = ${gateway} and key_id in ${idsIn(tx, ids)}`.execute(tx);
  const { rows } = await sql<{ id: KeyId }>`
    update api_keys set is_active = 0
    where id in ${idsIn(tx, ids)} and not exists (select 1 from gateway_keys where key_id = api_keys.id)
    returning id
  `.execute(tx);
  return new Set(rows.map(({ id }) => id));
}

export const setFingerprint = (tx: Tx, from: Fingerprint, to: Fingerprint) =>
  tx.updateTable('api_keys').set({ fingerprint: to }).where('fingerprint', '=', from).execute();

/** A key that a file declared. */
export type Released = Readonly<{ id: KeyId; fingerprint: Fingerprint }>;

export async function findDeclared(db: Db | Tx, fingerprints: readonly Fingerprint[]): Promise<Released[]> {
  const found = await findByFingerprints(db, fingerprints);
  return found.flatMap(({ id, fingerprint, isDeclared }) =>
    isDeclared && fingerprint !== null ? [{ id, fingerprint }] : [],
  );
}

/** Makes keys ordinary ones, which no gateway declares. */
export async function release(tx: Tx, keys: readonly Released[]): Promise<readonly Released[]> {
  const ids = idsIn(
    tx,
    keys.map(({ id }) => id),
  );
  await sql`update api_keys set source = 'imported' where id in ${ids}`.execute(tx);
  await sql`delete from gateway_keys where key_id in ${ids}`.execute(tx);
  return keys;
}
