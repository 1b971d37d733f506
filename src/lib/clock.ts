import { hrtime } from 'node:process';

export type Clock = {
  /** Milliseconds since 1970; may jump when the machine's time is set. For what is stored. */
  now(): number;
  /** Milliseconds since an arbitrary start, the same one in every thread; never goes back. For durations. */
  monotonic(): number;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => Number(hrtime.bigint()) / 1e6,
};
