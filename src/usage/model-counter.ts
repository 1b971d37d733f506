import { randomUUID } from 'node:crypto';
import type { BackgroundWriter } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { KeyId } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { addCount, type ModelCount, modelBatchQueries } from './model-store.ts';
import { HOUR_MS, startOf } from './period.ts';
import type { BatchNumber } from './store.ts';

const FLUSH_EVERY_MS = 5_000;
const ROWS_PER_BATCH = 1_000;

/** Clients choose the names of models, so a name counts once an upstream has known it. So many are remembered. */
const MAX_NAMES = 1_000;
const MAX_NAMES_OF_KEY = 50;
/** Stands for the names that are too many. */
const OTHER = 'other';
/** A batch is given up after so many failures that are not of the database as a whole: its data may be the reason. */
const MAX_ATTEMPTS = 10;
const PLAIN_NAME = /^[\x20-\x7e]{1,200}$/;

/** One request at the gateway. */
export type ModelUse = Readonly<{
  /** 0 for a request without a key. */
  keyId: KeyId | 0;
  /** As the upstream calls it; empty when the request names none. */
  model: string;
  isFailure: boolean;
  /** An upstream that answers such a request knows the model. */
  asksModel: boolean;
  inputTokens: number;
  outputTokens: number;
}>;

export type ModelCounter = Readonly<{
  countModel(use: ModelUse): void;
  /** Writes what is not written yet. */
  flush(): Promise<void>;
  /** Stops the timer and writes what is not written yet. */
  close(): Promise<void>;
}>;

export type ModelCounterParts = {
  db: Db;
  writer: BackgroundWriter;
  clock: Pick<Clock, 'now'>;
  /** Whether it counts by hour too. */
  keepsHours: boolean;
  onError: (error: unknown) => void;
};

type Batch = BatchNumber & Readonly<{ counts: readonly ModelCount[] }>;

/** Counts requests and tokens by key and model, and writes that every five seconds. */
export function createModelCounter(parts: ModelCounterParts): ModelCounter {
  const { db, writer, clock, keepsHours, onError } = parts;
  const writerId = randomUUID();
  const knownNames = new Set<string>();
  const namesOfKeys = new Map<KeyId | 0, Set<string>>();
  let sums = new Map<string, ModelCount>();
  let batches = 0;
  /** It may be written although its write failed. So it is repeated as it was. */
  let unconfirmed: Batch | undefined;
  let attempts = 0;
  let writing = Promise.resolve();

  /** The name under which a request counts. */
  function nameOf({ keyId, model, isFailure, asksModel }: ModelUse): string {
    if (!PLAIN_NAME.test(model)) return '';
    const isKnown = knownNames.has(model);
    const unknown = isFailure ? '' : OTHER;
    if (!isKnown && (isFailure || !asksModel || knownNames.size >= MAX_NAMES)) return unknown;
    const ofKey = namesOfKeys.get(keyId) ?? new Set();
    if (!ofKey.has(model) && ofKey.size >= MAX_NAMES_OF_KEY) return unknown;
    knownNames.add(model);
    namesOfKeys.set(keyId, ofKey.add(model));
    return model;
  }

  async function write(): Promise<void> {
    const counts = [...sums.values()];
    sums = new Map();
    try {
      while (unconfirmed || counts.length > 0) {
        unconfirmed ??= {
          writerId,
          number: ++batches,
          at: clock.now(),
          counts: counts.splice(0, ROWS_PER_BATCH),
        };
        await writer.run(...modelBatchQueries(db, unconfirmed, unconfirmed.counts, keepsHours));
        unconfirmed = undefined;
        attempts = 0;
      }
    } catch (error) {
      if (!(error instanceof DomainError) && ++attempts >= MAX_ATTEMPTS) {
        unconfirmed = undefined;
        attempts = 0;
      }
      for (const count of counts) addCount(sums, count);
      onError(error);
    }
  }

  function flush(): Promise<void> {
    writing = writing.then(write);
    return writing;
  }

  const timer = setInterval(() => {
    if (unconfirmed || sums.size > 0) void flush();
  }, FLUSH_EVERY_MS);
  timer.unref();

  return {
    countModel: (use) =>
      addCount(sums, {
        start: startOf(clock.now(), HOUR_MS),
        keyId: use.keyId,
        model: nameOf(use),
        requests: 1,
        failures: use.isFailure ? 1 : 0,
        inputTokens: use.inputTokens,
        outputTokens: use.outputTokens,
      }),
    flush,
    close: () => {
      clearInterval(timer);
      return flush();
    },
  };
}
