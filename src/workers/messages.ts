import type { Config } from '../config.ts';
import type { LockoutMemory } from '../lockout/shared-table.ts';

/** What a worker is started with. */
export type WorkerOrders = { config: Config; port: number; lockoutMemory: LockoutMemory };

/** Stop, within so many milliseconds. */
export type ToWorker = { graceMs: number };

export type FromWorker =
  | { is: 'ready'; bootstrapOpen: boolean }
  /** It cannot start, in one sentence for the operator. */
  | { is: 'unfit'; sentence: string }
  | { is: 'log'; lines: string };
