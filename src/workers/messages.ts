import type { Config } from '../config.ts';
import type { Service, SharedMemory } from '../serve.ts';
import type { Turns } from './closing-order.ts';

/** The start parameters of a worker. */
export type WorkerData = { config: Config; port: number; memory: SharedMemory };

/** Tells a worker to stop within so many milliseconds, together with the others. */
export type StopMessage = { graceMs: number; turns: Turns };

/** What is still open when the worker serves. */
export type Openings = Pick<Service, 'bootstrapOpen' | 'needsSetup'>;

export type WorkerMessage =
  | ({ is: 'ready' } & Openings)
  /** Why the worker cannot start, in one sentence for the operator. */
  | { is: 'start_failed'; sentence: string }
  | { is: 'log'; lines: string }
  /** The event loop of the worker turns. */
  | { is: 'alive' };
