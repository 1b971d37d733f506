import { type CompiledQuery, type RawBuilder, sql } from 'kysely';
import { jsonElements } from '../db/differences.ts';
import type { Db } from '../db/tables.ts';
import type { AccountId, KeyId } from '../lib/brand.ts';
import { ALL_KEYS, OUTCOMES } from './outcome.ts';
import { DAY_MS, HOUR_MS, type Period } from './period.ts';
import { addTo, type HourCounts, type KeyUsage } from './tally.ts';

/** What one transaction writes. `number`: the batches of a writer are numbered in their order. */
export type Batch = Readonly<{
  writerId: string;
  number: number;
  /** Milliseconds since 1970. */
  at: number;
  usages: readonly KeyUsage[];
}>;

/**
 * The statements of one transaction. It changes nothing when the batch is written already. Each statement has the same
 * SQL text for any number of keys.
 */
export function batchQueries(db: Db, batch: Batch): CompiledQuery[] {
  const { usages } = batch;
  const used = usages.filter(({ count }) => count > 0);
  const counted = usages.filter(({ hours }) => hours.length > 0);
  return [
    ...(used.length > 0 ? [usesQuery(db, used, batch)] : []),
    ...(counted.length > 0 ? [hoursQuery(db, counted, batch)] : []),
    writtenQuery(db, batch),
  ];
}

export type BatchNumber = Pick<Batch, 'writerId' | 'number' | 'at'>;

/** Whether no earlier try has written the batch. */
export const isNew = ({ writerId, number }: BatchNumber) =>
  sql<boolean>`not exists (select 1 from usage_writers where id = ${writerId} and batch >= ${number})`;

/** It never moves `last_used_at` back, because another process may have written a later time. */
function usesQuery(db: Db, usages: readonly KeyUsage[], batch: Batch): CompiledQuery {
  const rows = JSON.stringify(usages.map(({ id, count, lastUsedAt }) => [id, count, lastUsedAt]));
  return sql`
    update api_keys
    set use_count = use_count + cast(used.value ->> 1 as bigint),
      last_used_at = case
        when last_used_at > cast(used.value ->> 2 as bigint) then last_used_at
        else cast(used.value ->> 2 as bigint)
      end
    from ${jsonElements(db, rows)} as used
    where api_keys.id = cast(used.value ->> 0 as bigint) and ${isNew(batch)}
  `.compile(db);
}

function hoursQuery(db: Db, usages: readonly KeyUsage[], batch: Batch): CompiledQuery {
  const rows = JSON.stringify([...usages, totalOf(usages)].flatMap(rowsOf));
  return sql`
    insert into usage_hours (start, key_id, outcome, count)
    select cast(counted.value ->> 0 as bigint), cast(counted.value ->> 1 as bigint), counted.value ->> 2,
      cast(counted.value ->> 3 as bigint)
    from ${jsonElements(db, rows)} as counted
    where ${isNew(batch)}
    on conflict (start, key_id, outcome) do update set count = usage_hours.count + excluded.count
  `.compile(db);
}

/** It is written beside the rows of the keys, so that nobody has to sum up all keys. */
function totalOf(usages: readonly KeyUsage[]): Pick<KeyUsage, 'id' | 'hours'> {
  const total = { id: ALL_KEYS, hours: [] as HourCounts[] };
  for (const { hours } of usages)
    for (const { start, counts } of hours)
      for (const [code, count] of counts.entries()) addTo(total, start, code, count);
  return total;
}

const rowsOf = ({ id, hours }: Pick<KeyUsage, 'id' | 'hours'>) =>
  hours.flatMap(({ start, counts }) =>
    counts.flatMap((count, code) => (count > 0 ? [[start, id, OUTCOMES[code], count]] : [])),
  );

/** Records, in the transaction of a batch, that it is written. */
export const writtenQuery = (db: Db, { writerId, number, at }: BatchNumber): CompiledQuery =>
  db
    .insertInto('usage_writers')
    .values({ id: writerId, batch: number, written_at: at })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet(({ ref }) => ({
        batch: ref('excluded.batch'),
        written_at: ref('excluded.written_at'),
      })),
    )
    .compile();

export type Count = { start: number; outcome: string; count: number };

/** The keys whose counts are read. */
export type CountedKeys = RawBuilder<boolean>;

/** Every key. Their sum is stored beside them, and is no key. */
export const everyKey: CountedKeys = sql`key_id <> ${ALL_KEYS}`;

export const oneKey = (id: KeyId): CountedKeys => sql`key_id = ${id}`;

/** The keys that an account has now. */
export const keysOfAccount = (account: AccountId): CountedKeys =>
  sql`key_id in (select id from api_keys where account_id = ${account})`;

export async function countsQuery(
  db: Db,
  isCounted: CountedKeys,
  period: Period,
): Promise<CompiledQuery<Count>> {
  return (await countsIn(db, period))(isCounted).compile(db);
}

type KeyCount = Count & { key_id: KeyId };

/** A condition for buckets that follow one another. */
type Within = (starts: readonly number[]) => RawBuilder<boolean>;

/** For some keys: each count is looked up. */
const oneByOne =
  (db: Db): Within =>
  (starts) =>
    sql`start in (select cast(wanted.value as bigint) from ${jsonElements(db, JSON.stringify(starts))} as wanted)`;

/** For all keys: the counts are read in the order of the table. */
const inOneRange: Within = (starts) => sql`start between ${starts[0] ?? 1} and ${starts.at(-1) ?? 0}`;

/** All counts are read in one statement, so a count that moves from hours to days at that moment is read once. */
async function countsIn(
  db: Db,
  { bucket, starts }: Period,
): Promise<(isCounted: CountedKeys, within?: Within) => RawBuilder<KeyCount>> {
  const counts = (
    table: 'usage_hours' | 'usage_days',
    isCounted: CountedKeys,
    isWithin: RawBuilder<boolean>,
  ) =>
    sql<KeyCount>`
      select start, key_id, outcome, count from ${sql.table(table)} where ${isCounted} and ${isWithin}`;
  if (bucket === 'hour')
    return (isCounted, within = oneByOne(db)) => counts('usage_hours', isCounted, within(starts));
  const hours = await hoursIn(db, starts);
  return (isCounted, within = oneByOne(db)) =>
    sql`${counts('usage_days', isCounted, within(starts))} union all ${counts('usage_hours', isCounted, within(hours))}`;
}

/** A count of a key by outcome. `label` and `hint` are null when the key is deleted since. */
export type KeyOutcome = Readonly<{
  id: KeyId;
  label: string | null;
  hint: string | null;
  outcome: string;
  count: number;
}>;

/** The keys with the most verifications in a period, also refused ones: that with the most first. */
export async function mostUsedQuery(
  db: Db,
  isCounted: CountedKeys,
  period: Period,
  limit: number,
): Promise<CompiledQuery<KeyOutcome>> {
  const counts = await countsIn(db, period);
  // Only the sums of all keys are long to find. To split them all by outcome would take several times as long.
  return sql<KeyOutcome>`
    with most as materialized (
      select key_id as id, sum(count) as total from (${counts(isCounted, isCounted === everyKey ? inOneRange : oneByOne(db))}) as sums
      group by key_id order by total desc, key_id limit ${limit}
    )
    select most.id, api_keys.label, api_keys.hint, counts.outcome, cast(sum(counts.count) as bigint) as count
    from most
    join (${counts(sql`key_id in (select id from most)`)}) as counts on counts.key_id = most.id
    left join api_keys on api_keys.id = most.id
    group by most.id, most.total, api_keys.label, api_keys.hint, counts.outcome
    order by most.total desc, most.id
  `.compile(db);
}

/** The hours of these days that can be in the table of hours. */
async function hoursIn(db: Db, days: readonly number[]): Promise<number[]> {
  const oldest = await db
    .selectFrom('usage_hours')
    .select('start')
    .orderBy('start')
    .limit(1)
    .executeTakeFirst();
  if (!oldest) return [];
  return days
    .filter((day) => day + DAY_MS > oldest.start)
    .flatMap((day) => Array.from({ length: DAY_MS / HOUR_MS }, (_, hour) => day + hour * HOUR_MS));
}

/** The number of rows that one statement moves or removes. Other writers wait for it. */
const ROWS_PER_STATEMENT = 1_000;

type CountTable = 'usage_hours' | 'usage_days';

export const hasCountsBefore = async (db: Db, table: CountTable, before: number): Promise<boolean> =>
  (await db.selectFrom(table).select('start').where('start', '<', before).limit(1).executeTakeFirst()) !==
  undefined;

/** The same rows for each statement of a transaction. */
const oldest = (table: CountTable, before: number) =>
  sql`from ${sql.table(table)} where start < ${before} order by start, key_id, outcome limit ${sql.lit(ROWS_PER_STATEMENT)}`;

export const removeQuery = (db: Db, table: CountTable, before: number): CompiledQuery =>
  sql`
    delete from ${sql.table(table)}
    where (start, key_id, outcome) in (select start, key_id, outcome ${oldest(table, before)})
  `.compile(db);

/** The statements of one transaction that moves some counts from hours to days. */
export const rollUpQueries = (db: Db, before: number): CompiledQuery[] => [
  sql`
    insert into usage_days (start, key_id, outcome, count)
    select day, key_id, outcome, cast(sum(count) as bigint)
    from (
      select start - start % ${sql.lit(DAY_MS)} as day, key_id, outcome, count ${oldest('usage_hours', before)}
    ) as moved
    where true
    group by day, key_id, outcome
    on conflict (start, key_id, outcome) do update set count = usage_days.count + excluded.count
  `.compile(db),
  removeQuery(db, 'usage_hours', before),
];

export const removeWritersQuery = (db: Db, before: number): CompiledQuery =>
  db.deleteFrom('usage_writers').where('written_at', '<', before).compile();
