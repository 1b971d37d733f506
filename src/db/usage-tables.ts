import type { KeyId } from '../lib/brand.ts';

/** The verifications of a key in an hour or a day that end in the same way. */
export type UsageTable = {
  /** When the hour or the day begins, in milliseconds since 1970. */
  start: number;
  /** 0 for the sum of all keys. */
  key_id: number;
  outcome: string;
  count: number;
};

/** The requests of a key at the gateway for a model, in an hour or in all. */
export type UsageModelTable = {
  /** When the hour begins, in milliseconds since 1970; 0 for the sum of all hours. */
  start: number;
  /** 0 for requests without a key. */
  key_id: KeyId | 0;
  /** Empty when the request named none that an upstream knows. */
  model: string;
  requests: number;
  failures: number;
  input_tokens: number;
  output_tokens: number;
};

/** The last batch of counts that each writer has written. So a batch that is repeated is not counted twice. */
export type UsageWriterTable = {
  id: string;
  batch: number;
  /** Milliseconds since 1970. */
  written_at: number;
};
