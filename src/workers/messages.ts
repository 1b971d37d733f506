import type { Config } from '../config.ts';
import type { SharedMemory } from '../serve.ts';
import type { Turns } from './closing-order.ts';

/** The start parameters of a worker. */
export type WorkerData = { config: Config; port: number; memory: SharedMemory };

/** Stop, within so many milliseconds, together with the others. */
export type StopMessage = { graceMs: number; turns: Turns };

export type WorkerMessage =
  | { is: 'ready'; bootstrapOpen: boolean }
  /** It cannot start, in one sentence for the operator. */
  | { is: 'start_failed'; sentence: string }
  | { is: 'log'; lines: string }
  /** Its event loop turns. */
  | { is: 'alive' };
