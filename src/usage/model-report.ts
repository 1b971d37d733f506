import type { Db } from '../db/tables.ts';
import { type ModelTotal, readTotals } from './model-store.ts';

/** The counts of a model of a key, or of a key, or of all. */
type Counts = { requests: number; failures: number; tokens: number };

export type UsageOfKey = Counts & {
  /** Such as "12: Team A"; "0: without a key". */
  name: string;
  models: ReadonlyMap<string, Readonly<Counts>>;
};

export type UsageTotals = Readonly<Counts & { keys: readonly UsageOfKey[] }>;

const none = (): Counts => ({ requests: 0, failures: 0, tokens: 0 });

/** Everything that the gateway has counted since its first start. */
export async function readUsageTotals(db: Db): Promise<UsageTotals> {
  const all = none();
  const keys = new Map<number, UsageOfKey & { models: Map<string, Counts> }>();
  for (const total of await readTotals(db)) {
    const key = keys.get(total.keyId) ?? { ...none(), name: nameOf(total), models: new Map() };
    keys.set(total.keyId, key);
    const model = key.models.get(total.model) ?? none();
    key.models.set(total.model, model);
    for (const sum of [all, key, model]) {
      sum.requests += total.requests;
      sum.failures += total.failures;
      sum.tokens += total.inputTokens + total.outputTokens;
    }
  }
  return { ...all, keys: [...keys.values()] };
}

function nameOf({ keyId, label, hint }: ModelTotal): string {
  if (keyId === 0) return '0: without a key';
  return `${keyId}: ${label || hint || 'deleted'}`;
}
