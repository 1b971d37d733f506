import type { Clock } from '../../src/lib/clock.ts';

/** A clock whose time passes when the test says so. */
export function fakeClock() {
  const start = Date.now();
  // Not 0, which the clock of a running machine never shows.
  let milliseconds = 1_000;
  /** How far somebody set the clock of the machine. */
  let set = 0;
  const clock: Clock = { now: () => start + milliseconds + set, monotonic: () => milliseconds };
  return {
    clock,
    pass: (seconds: number) => {
      milliseconds += seconds * 1_000;
    },
    /** Sets the clock of the machine. Durations stay as they are. */
    setBy: (seconds: number) => {
      set += seconds * 1_000;
    },
  };
}
