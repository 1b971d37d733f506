import { threadId } from 'node:worker_threads';

/** Tries before a thread sleeps. Locks are held for microseconds, unless their holder was suspended. */
const SPINS = 1_000;

/**
 * A lock in memory that threads share. It is one word: the id of the thread that holds it + 1, or 0. The work must not
 * wait for anything.
 * @param index the place of the word
 */
export const sharedLock =
  (words: Int32Array, index: number) =>
  <T>(work: () => T): T => {
    for (let tries = 1; !tryToLock(words, index); tries++) {
      const holder = Atomics.load(words, index);
      if (tries % SPINS === 0 && holder !== 0) Atomics.wait(words, index, holder, 1);
    }
    try {
      return work();
    } finally {
      unlock(words, index);
    }
  };

/** Takes the lock for this thread, if nobody holds it. */
export const tryToLock = (words: Int32Array, index: number): boolean =>
  Atomics.compareExchange(words, index, 0, threadId + 1) === 0;

export const unlock = (words: Int32Array, index: number): void => void Atomics.store(words, index, 0);

/** Frees the lock when the thread that held it has ended. */
export const releaseLock = (words: Int32Array, index: number, deadThread: number): void =>
  void Atomics.compareExchange(words, index, deadThread + 1, 0);
