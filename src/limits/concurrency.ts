import { randomInt } from 'node:crypto';
import { threadId } from 'node:worker_threads';
import type { KeyId } from '../lib/brand.ts';
import { releaseLock, sharedLock } from '../lib/shared-lock.ts';

/** The memory of the counts, which the workers share. */
export type ConcurrencyMemory = Readonly<{ buffer: SharedArrayBuffer; workers: number; places: number }>;

/** Ends what was begun. It does nothing the second time. */
export type Release = () => void;

/** Counts what is open at one time. Everything that counts for one key must ask with the same id. */
export type Concurrency = {
  /**
   * Begins a request or a WebSocket.
   * @param rootId the first key of the chain of rotations
   * @param limit how many may be open; null when that is not limited
   * @returns undefined when so many are open already
   */
  acquire(rootId: KeyId, limit: number | null): Release | undefined;
};

/** Keys with something open at one time, and a few times as many places, so that they find one. */
const PLACES = 65_536;

/** The id of a key selects a set of so many places, and the key takes any of them. */
const WAYS = 16;

/** Header words: the lock, and the seed of the hash. */
const HOLDER = 0;
const SEED = 1;
const HEADER_WORDS = 2;

/** The system gives memory only to pages that are used. */
export function allocateConcurrency(workers: number, places = PLACES): ConcurrencyMemory {
  const buffer = new SharedArrayBuffer(places * 8 + (HEADER_WORDS + workers + places * workers) * 4);
  const memory = { buffer, workers, places };
  viewsOf(memory).header[SEED] = randomInt(2 ** 31);
  return memory;
}

function viewsOf({ buffer, workers, places }: ConcurrencyMemory) {
  const words = (start: number, length: number) => new Int32Array(buffer, places * 8 + start * 4, length);
  return {
    /** A place is free when all its counts are 0, whatever the id says. */
    roots: new Float64Array(buffer, 0, places),
    header: words(0, HEADER_WORDS),
    /** The id of the thread that each worker is + 1, or 0. */
    owners: words(HEADER_WORDS, workers),
    /** Each place has a count for each worker. */
    counts: words(HEADER_WORDS + workers, places * workers),
  };
}

/** Ends what a thread had open that has ended itself. Another thread takes its place among the workers. */
export function releaseConcurrency(memory: ConcurrencyMemory, deadThread: number): void {
  const { header, owners, counts } = viewsOf(memory);
  releaseLock(header, HOLDER, deadThread);
  sharedLock(
    header,
    HOLDER,
  )(() => {
    const worker = owners.indexOf(deadThread + 1);
    if (worker === -1) return;
    owners[worker] = 0;
    for (let i = worker; i < counts.length; i += memory.workers) if (counts[i] !== 0) counts[i] = 0;
  });
}

const endNothing: Release = () => undefined;

/**
 * Counts what is open, exactly over all workers of the process.
 * @param thread the id of the thread that counts
 * @throws RangeError when there are more threads than workers
 */
export function openConcurrency(memory: ConcurrencyMemory, thread = threadId): Concurrency {
  const { workers, places } = memory;
  const { roots, header, owners, counts } = viewsOf(memory);
  const exclusively = sharedLock(header, HOLDER);
  const seed = header[SEED] ?? 0;

  const worker = exclusively(() => {
    const own = owners.indexOf(thread + 1);
    const index = own === -1 ? owners.indexOf(0) : own;
    if (index !== -1) owners[index] = thread + 1;
    return index;
  });
  if (worker === -1) throw new RangeError('more threads count requests than there are workers');

  function openAt(place: number): number {
    let open = 0;
    for (let i = place * workers; i < (place + 1) * workers; i++) open += counts[i] ?? 0;
    return open;
  }

  /** The place of the key, and what it has open; undefined when all places of its set are taken. */
  function find(rootId: KeyId): { place: number; open: number } | undefined {
    let hash = Math.imul(seed ^ rootId ^ (rootId / 2 ** 32), 0x2c1b3c6d);
    hash = Math.imul(hash ^ (hash >>> 15), 0x297a2d39);
    const first = (((hash ^ (hash >>> 16)) >>> 0) % (places / WAYS)) * WAYS;
    let free: number | undefined;
    for (let place = first; place < first + WAYS; place++) {
      const open = openAt(place);
      if (open === 0) free ??= place;
      else if (roots[place] === rootId) return { place, open };
    }
    return free === undefined ? undefined : { place: free, open: 0 };
  }

  function take(rootId: KeyId, limit: number): number | undefined {
    const found = find(rootId);
    // Without a place nothing can be counted, so it does not begin.
    if (!found || found.open >= limit) return undefined;
    roots[found.place] = rootId;
    const count = found.place * workers + worker;
    counts[count] = (counts[count] ?? 0) + 1;
    return count;
  }

  return {
    acquire(rootId, limit) {
      if (limit === null) return endNothing;
      const count = exclusively(() => take(rootId, limit));
      if (count === undefined) return undefined;
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        exclusively(() => {
          counts[count] = (counts[count] ?? 0) - 1;
        });
      };
    },
  };
}
