import { type CompiledQuery, sql } from 'kysely';
import { jsonElements } from '../db/differences.ts';
import type { Db } from '../db/tables.ts';
import type { KeyId } from '../lib/brand.ts';
import { type BatchNumber, isNew, writtenQuery } from './store.ts';

/** What a key asked of a model, in an hour. */
export type ModelCount = {
  /** Milliseconds since 1970. */
  start: number;
  keyId: KeyId | 0;
  model: string;
  requests: number;
  failures: number;
  inputTokens: number;
  outputTokens: number;
};

/** The hour that stands for all hours together. */
const ALL_HOURS = 0;

/** The statements of one transaction. It changes nothing when the batch is written already. */
export function modelBatchQueries(
  db: Db,
  batch: BatchNumber,
  counts: readonly ModelCount[],
  keepsHours: boolean,
): CompiledQuery[] {
  const totals = counts.map((count) => ({ ...count, start: ALL_HOURS }));
  const rows = summedUp(keepsHours ? [...counts, ...totals] : totals);
  return [
    sql`
      insert into usage_models (start, key_id, model, requests, failures, input_tokens, output_tokens)
      select cast(counted.value ->> 0 as bigint), cast(counted.value ->> 1 as bigint), counted.value ->> 2,
        cast(counted.value ->> 3 as bigint), cast(counted.value ->> 4 as bigint),
        cast(counted.value ->> 5 as bigint), cast(counted.value ->> 6 as bigint)
      from ${jsonElements(db, JSON.stringify(rows))} as counted
      where ${isNew(batch)}
      on conflict (start, key_id, model) do update set
        requests = usage_models.requests + excluded.requests,
        failures = usage_models.failures + excluded.failures,
        input_tokens = usage_models.input_tokens + excluded.input_tokens,
        output_tokens = usage_models.output_tokens + excluded.output_tokens
    `.compile(db),
    writtenQuery(db, batch),
  ];
}

/** PostgreSQL refuses a statement that changes a row twice. */
function summedUp(counts: readonly ModelCount[]): unknown[][] {
  const sums = new Map<string, ModelCount>();
  for (const count of counts) addCount(sums, count);
  return [...sums.values()].map((sum) => [
    ...[sum.start, sum.keyId, sum.model, sum.requests, sum.failures, sum.inputTokens, sum.outputTokens],
  ]);
}

export function addCount(sums: Map<string, ModelCount>, count: ModelCount): void {
  const place = `${count.start} ${count.keyId} ${count.model}`;
  const sum = sums.get(place);
  if (!sum) {
    sums.set(place, { ...count });
    return;
  }
  sum.requests += count.requests;
  sum.failures += count.failures;
  sum.inputTokens += count.inputTokens;
  sum.outputTokens += count.outputTokens;
}

/** The sums of a key. `label` and `hint` are null for requests without a key, and when the key is deleted since. */
export type ModelTotal = Omit<ModelCount, 'start'> & { label: string | null; hint: string | null };

const totals = (db: Db) =>
  db
    .selectFrom('usage_models')
    .leftJoin('api_keys', 'api_keys.id', 'usage_models.key_id')
    .select(['key_id as keyId', 'model', 'requests', 'failures', 'label', 'hint'])
    .select(['input_tokens as inputTokens', 'output_tokens as outputTokens'])
    .where('start', '=', ALL_HOURS);

export const readTotals = async (db: Db): Promise<ModelTotal[]> =>
  await totals(db).orderBy('key_id').orderBy('model').execute();

/** The sums with the most requests. */
export const readLargestTotals = async (db: Db, limit: number): Promise<ModelTotal[]> =>
  await totals(db).orderBy('requests', 'desc').orderBy('key_id').orderBy('model').limit(limit).execute();

/** The number of rows that one statement removes. Other writers wait for it. */
const ROWS_PER_STATEMENT = 1_000;

export const hasModelCountsBefore = async (db: Db, before: number): Promise<boolean> =>
  (await db
    .selectFrom('usage_models')
    .select('start')
    .where('start', '>', ALL_HOURS)
    .where('start', '<', before)
    .limit(1)
    .executeTakeFirst()) !== undefined;

/** The sums of all hours stay. */
export const removeModelCountsQuery = (db: Db, before: number): CompiledQuery =>
  sql`
    delete from usage_models where (start, key_id, model) in (
      select start, key_id, model from usage_models where start > ${ALL_HOURS} and start < ${before}
      order by start, key_id, model limit ${sql.lit(ROWS_PER_STATEMENT)}
    )
  `.compile(db);
