import { hrtime } from 'node:process';

export type Clock = {
  /** Milliseconds since 1970, for stored times. It jumps when somebody sets the clock of the machine. */
  now(): number;
  /** Milliseconds since a start that is the same in every thread, for durations. It never goes back. */
  monotonic(): number;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => Number(hrtime.bigint()) / 1e6,
};
