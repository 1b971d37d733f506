import type { Config } from '../config.ts';
import type { LockoutMemory } from '../lockout/shared-table.ts';

/** The start parameters of a worker. */
export type WorkerData = { config: Config; port: number; lockoutMemory: LockoutMemory };

/** Stop, within so many milliseconds. */
export type StopMessage = { graceMs: number };

export type WorkerMessage =
  | { is: 'ready'; bootstrapOpen: boolean }
  /** It cannot start, in one sentence for the operator. */
  | { is: 'start_failed'; sentence: string }
  | { is: 'log'; lines: string };
