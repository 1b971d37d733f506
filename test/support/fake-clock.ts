import type { Clock } from '../../src/lib/clock.ts';

/** A clock whose durations pass when the test says so. */
export function fakeClock() {
  // Not 0, which the clock of a running machine never shows.
  let milliseconds = 1_000;
  const clock: Clock = { now: () => Date.now(), monotonic: () => milliseconds };
  return {
    clock,
    pass: (seconds: number) => {
      milliseconds += seconds * 1_000;
    },
  };
}
