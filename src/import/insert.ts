import { sql } from 'kysely';
import { jsonElements } from '../db/differences.ts';
import type { Tables, Tx } from '../db/tables.ts';
import type { KeySettings } from '../keys/key.ts';
import { fromSettings } from '../keys/row.ts';
import type { Fingerprint } from '../lib/brand.ts';

/** Each statement has the same text for any number of rows. */

/** A row that will be written. A key of which only a digest is known has no fingerprint and no hint. */
export type NewRow = Readonly<{
  fingerprint: Fingerprint | null;
  hash: string;
  hint: string;
  settings: KeySettings;
  isActive: boolean;
  isExpired: boolean;
  createdAt: number;
}>;

/** Writes rows whose fingerprints are not there yet. @returns the fingerprints of those */
export async function insertRows(tx: Tx, rows: readonly NewRow[]): Promise<Set<Fingerprint>> {
  const list = rows.map(({ fingerprint, hash, hint, settings, isActive, isExpired, createdAt }) => {
    const row = fromSettings(settings);
    return [
      ...[fingerprint, hint, row.label, row.label_folded, row.owner, row.owner_folded, row.scopes],
      ...[isActive ? 1 : 0, row.expires_at, row.allowed_ips, row.rate_limits, row.max_concurrent],
      ...[row.metadata, createdAt, hash, isExpired ? 1 : 0],
    ];
  });
  const text = (i: number) => sql`listed.value ->> ${sql.lit(i)}`;
  const number = (i: number) => sql`cast(${text(i)} as bigint)`;
  const { rows: inserted } = await sql<{ fingerprint: Fingerprint | null }>`
    insert into api_keys (fingerprint, hint, label, label_folded, owner, owner_folded, scopes, is_active, expires_at,
      allowed_ips, rate_limits, max_concurrent, metadata, created_at, hash, is_expired, prefix, source, use_count)
    select ${text(0)}, ${text(1)}, ${text(2)}, ${text(3)}, ${text(4)}, ${text(5)}, ${text(6)}, ${number(7)},
      ${number(8)}, ${text(9)}, ${text(10)}, ${number(11)}, ${text(12)}, ${number(13)}, ${text(14)}, ${number(15)},
      null, 'imported', 0
    from ${jsonElements<Tables>(tx, JSON.stringify(list))} as listed where true
    on conflict (fingerprint) do nothing
    returning fingerprint
  `.execute(tx);
  return new Set(inserted.flatMap(({ fingerprint }) => fingerprint ?? []));
}

const listed = (tx: Tx, values: readonly string[]) =>
  jsonElements<Tables>(tx, JSON.stringify(values.map((value) => [value])));

/** Those of the traces that an import has left. */
export async function findTraces(tx: Tx, traces: readonly Fingerprint[]): Promise<Set<Fingerprint>> {
  const rows = await tx
    .selectFrom('import_traces')
    .select('trace')
    .where(sql<boolean>`trace in (select listed.value ->> 0 from ${listed(tx, traces)} as listed)`)
    .execute();
  return new Set(rows.map(({ trace }) => trace));
}

/** Those of the fingerprints that have a row. */
export async function findStored(tx: Tx, fingerprints: readonly Fingerprint[]): Promise<Set<Fingerprint>> {
  const rows = await tx
    .selectFrom('api_keys')
    .select('fingerprint')
    .where(
      sql<boolean>`fingerprint in (select listed.value ->> 0 from ${listed(tx, fingerprints)} as listed)`,
    )
    .execute();
  return new Set(rows.flatMap(({ fingerprint }) => fingerprint ?? []));
}

export async function leaveTraces(tx: Tx, traces: readonly Fingerprint[]): Promise<void> {
  await sql`insert into import_traces (trace)
    select listed.value ->> 0 from ${listed(tx, traces)} as listed where true on conflict do nothing
  `.execute(tx);
}

/**
 * Those of the hints that belong to a key whose present fingerprint nobody knows: it was not used since the pepper changed.
 * @param hasPrevious whether the fingerprints under the previous pepper were looked up
 */
export async function findUnclearHints(
  tx: Tx,
  hints: readonly string[],
  hasPrevious: boolean,
): Promise<Set<string>> {
  const identity = await tx.selectFrom('database_identity').select('pepper_since').executeTakeFirst();
  const since = identity?.pepper_since ?? null;
  if (since === null || hints.length === 0) return new Set();
  const isUnproven = sql<boolean>`fingerprint is null and hash <> ''`;
  const isUnmoved = sql<boolean>`fingerprint is not null and created_at < ${since}
    and (last_used_at is null or last_used_at < ${since})`;
  const rows = await tx
    .selectFrom('api_keys')
    .select('hint')
    .where(sql<boolean>`hint in (select listed.value ->> 0 from ${listed(tx, hints)} as listed)`)
    .where(hasPrevious ? isUnproven : sql<boolean>`((${isUnproven}) or (${isUnmoved}))`)
    .execute();
  return new Set(rows.map(({ hint }) => hint));
}
