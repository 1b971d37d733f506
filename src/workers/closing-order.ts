import { setTimeout as sleep } from 'node:timers/promises';
import type { ClosingOrder } from '../http/server/close-port.ts';

/** Memory in which the workers agree whose turn it is to close. */
export type Turns = Int32Array<SharedArrayBuffer>;

const LISTENERS = 0;
const IS_TAKEN = 1;

const LOOK_EVERY_MS = 1;

/** @param listeners the number of workers that will close */
export function newTurns(listeners: number): Turns {
  const turns = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  turns[LISTENERS] = listeners;
  return turns;
}

/** One worker closes at a time. The others accept connections until then. */
export const oneAfterTheOther = (turns: Turns): ClosingOrder => ({
  async begin(giveUpAt) {
    while (Atomics.compareExchange(turns, IS_TAKEN, 0, 1) !== 0 && performance.now() < giveUpAt)
      await sleep(LOOK_EVERY_MS);
    return Atomics.load(turns, LISTENERS);
  },
  end() {
    Atomics.sub(turns, LISTENERS, 1);
    Atomics.store(turns, IS_TAKEN, 0);
  },
});
