import type { Config } from '../config.ts';
import type { Endpoints, Service, SharedMemory } from '../serve.ts';
import type { Turns } from './closing-order.ts';

/** The start parameters of a worker. */
export type WorkerData = { config: Config; endpoints: Endpoints; memory: SharedMemory };

/** Tells a worker to read the certificates again. */
export type ReloadMessage = { is: 'reload' };

/** Tells a worker to stop within so many milliseconds, together with the others: they take turns at each port. */
export type StopMessage = { is: 'stop'; graceMs: number; turns: Record<keyof Endpoints, Turns> };

/** What the start says about the service. */
export type Openings = Pick<Service, 'address' | 'bootstrapOpen' | 'needsSetup' | 'gatewayAddress'>;

export type WorkerMessage =
  | ({ is: 'ready' } & Openings)
  /** Why the worker cannot start, in one sentence for the operator. */
  | { is: 'start_failed'; sentence: string }
  | { is: 'log'; lines: string }
  /** The event loop of the worker turns. */
  | { is: 'alive' };
