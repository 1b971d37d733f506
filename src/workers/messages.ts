import type { Config } from '../config.ts';
import type { SharedMemory } from '../serve.ts';
import type { Turns } from './closing-order.ts';

/** The start parameters of a worker. */
export type WorkerData = { config: Config; port: number; memory: SharedMemory };

/** Tells a worker to stop within so many milliseconds, together with the others. */
export type StopMessage = { graceMs: number; turns: Turns };

export type WorkerMessage =
  | { is: 'ready'; bootstrapOpen: boolean }
  /** Why the worker cannot start, in one sentence for the operator. */
  | { is: 'start_failed'; sentence: string }
  | { is: 'log'; lines: string }
  /** The event loop of the worker turns. */
  | { is: 'alive' };
