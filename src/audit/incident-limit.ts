import { INCIDENTS, type IncidentAction } from './event.ts';

/** So many incidents of one kind are recorded in a minute. The rest are counted. */
const PER_MINUTE = 10;
const MINUTE_MS = 60_000;

/** Memory in which threads count together: for each kind of incident, the minute and the incidents in it. */
export const allocateIncidents = () =>
  new SharedArrayBuffer(INCIDENTS.length * BigInt64Array.BYTES_PER_ELEMENT);

/** The minute is in the upper half of a number, so that it changes in one step with the count. */
const COUNT_BITS = 32n;
const minuteOf = (state: bigint) => state >> COUNT_BITS;
const countOf = (state: bigint) => Number(BigInt.asUintN(Number(COUNT_BITS), state));
const stateOf = (minute: bigint, count: number) => (minute << COUNT_BITS) | BigInt(count);

const omittedIn = (state: bigint) => Math.max(0, countOf(state) - PER_MINUTE);

/**
 * Decides which incidents are recorded. All threads that share the memory count together, and each incident that is not
 * recorded is in exactly one sum.
 * @param monotonic milliseconds, the same in every thread
 */
export function createIncidentLimit(memory: SharedArrayBuffer, monotonic: () => number) {
  const states = new BigInt64Array(memory);
  const currentMinute = () => BigInt(1 + Math.floor(monotonic() / MINUTE_MS));

  /** @returns the state before the change */
  function change(action: IncidentAction, next: (state: bigint) => bigint): bigint {
    const place = INCIDENTS.indexOf(action);
    for (;;) {
      const state = Atomics.load(states, place);
      const changed = next(state);
      if (changed === state || Atomics.compareExchange(states, place, state, changed) === state) return state;
    }
  }

  return {
    /** Counts an incident. @returns whether to record it, and how many of an earlier minute were not recorded */
    admit(action: IncidentAction): { isRecorded: boolean; omitted: number } {
      const minute = currentMinute();
      const before = change(action, (state) => (minuteOf(state) < minute ? stateOf(minute, 1) : state + 1n));
      if (minuteOf(before) < minute) return { isRecorded: true, omitted: omittedIn(before) };
      return { isRecorded: countOf(before) < PER_MINUTE, omitted: 0 };
    },

    /**
     * How many incidents of a minute that is over were not recorded. Each sum is returned once.
     * @param isLast whether to take those of this minute too
     */
    takeOmitted(action: IncidentAction, isLast: boolean): number {
      const minute = currentMinute();
      const before = change(action, (state) => {
        const isOver = minuteOf(state) < minute || isLast;
        return isOver && omittedIn(state) > 0 ? stateOf(minuteOf(state), PER_MINUTE) : state;
      });
      return minuteOf(before) < minute || isLast ? omittedIn(before) : 0;
    },
  };
}
