import { randomInt } from 'node:crypto';
import type { KeyId } from '../lib/brand.ts';
import { releaseLock, sharedLock, tryToLock, unlock } from '../lib/shared-lock.ts';
import type { Window } from './window.ts';

/** The memory of one table, which threads share. */
export type WindowMemory = Readonly<{ buffer: SharedArrayBuffer; places: number }>;

/** A window by its key and a digest of the name of its limit: a whole number. */
export type WindowId = Readonly<{ rootId: KeyId; digest: number }>;

/** The id of a window selects a set of so many places, and the window takes any of them. */
const WAYS = 16;

/** Header words: two locks, whether the stored windows were loaded, the seed of the hash. */
const HOLDER = 0;
const WRITER = 1;
const IS_LOADED = 2;
const SEED = 3;
const HEADER_BYTES = 16;

/** Root id, digest, opened at, ends at, used. */
const NUMBERS = 5;

const MAX_WINDOWS = 1_000_000;

/** The system gives memory only to pages that are used. */
export function allocateWindows(windows = MAX_WINDOWS): WindowMemory {
  const places = Math.ceil(windows / WAYS) * WAYS;
  const buffer = new SharedArrayBuffer(HEADER_BYTES + places * (NUMBERS * 8 + 1));
  new Int32Array(buffer)[SEED] = randomInt(2 ** 31);
  return { buffer, places };
}

/** Frees the locks when the thread that held them has ended. */
export function releaseWindows({ buffer }: WindowMemory, deadThread: number): void {
  const header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  releaseLock(header, HOLDER, deadThread);
  releaseLock(header, WRITER, deadThread);
}

export type SharedWindows = ReturnType<typeof openWindows>;

/**
 * A bounded table of windows in memory that several threads share. Call everything about places inside `exclusively`.
 * When all places of a set are taken, the window that ends first is dropped.
 */
export function openWindows({ buffer, places }: WindowMemory) {
  const sets = places / WAYS;
  const header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  const floats = (i: number) => new Float64Array(buffer, HEADER_BYTES + i * places * 8, places);
  /** 0 when a place was never taken. */
  const roots = floats(0);
  const digests = floats(1);
  const openedAt = floats(2);
  /** 0 when a place is free. */
  const endsAt = floats(3);
  const used = floats(4);
  /** 1 when a window must be stored, and is not stored as it is now. */
  const unsaved = new Uint8Array(buffer, HEADER_BYTES + NUMBERS * places * 8, places);

  function firstPlaceOf({ rootId, digest }: WindowId): number {
    let hash = header[SEED] ?? 0;
    for (const word of [rootId, digest, digest / 2 ** 32])
      hash = Math.imul(hash ^ (word | 0) ^ (hash >>> 15), 0x2c1b3c6d);
    return (((hash ^ (hash >>> 16)) >>> 0) % sets) * WAYS;
  }

  function find(id: WindowId): number | undefined {
    const first = firstPlaceOf(id);
    for (let place = first; place < first + WAYS; place++)
      if (roots[place] === id.rootId && digests[place] === id.digest) return place;
    return undefined;
  }

  /**
   * The place of the window. A new one takes that of the window that ends first.
   * @param kept places that it must not take
   */
  function claim(id: WindowId, kept: readonly (number | undefined)[]): number {
    const known = find(id);
    if (known !== undefined) return known;
    const first = firstPlaceOf(id);
    let place: number | undefined;
    for (let other = first; other < first + WAYS; other++) {
      if (kept.includes(other)) continue;
      if (place === undefined || (endsAt[other] ?? 0) < (endsAt[place] ?? 0)) place = other;
    }
    if (place === undefined) throw new RangeError('one key has more windows than fit into a set');
    endsAt[place] = 0;
    unsaved[place] = 0;
    roots[place] = id.rootId;
    digests[place] = id.digest;
    return place;
  }

  return {
    /** Runs `work` while no other thread uses the table. It must not wait for anything. */
    exclusively: sharedLock(header, HOLDER),

    find,
    claim,

    read: (place: number): Window => ({
      openedAt: openedAt[place] ?? 0,
      endsAt: endsAt[place] ?? 0,
      used: used[place] ?? 0,
    }),

    /** @param isLasting whether it must be stored */
    write(place: number, window: Window, isLasting: boolean): void {
      openedAt[place] = window.openedAt;
      used[place] = window.used;
      endsAt[place] = window.endsAt;
      if (isLasting) unsaved[place] = 1;
    },

    idOf: (place: number): WindowId => ({
      rootId: (roots[place] ?? 0) as KeyId,
      digest: digests[place] ?? 0,
    }),

    /** The next place from `start` whose window must be stored; -1 when there is none. */
    nextUnsaved: (start: number): number => unsaved.indexOf(1, start),
    mark(place: number, isSaved: boolean): void {
      unsaved[place] = isSaved ? 0 : 1;
    },

    /** One thread stores windows at a time, so that an older state never replaces a newer one. */
    tryToBeginSaving: () => tryToLock(header, WRITER),
    endSaving: () => unlock(header, WRITER),

    isLoaded: () => Atomics.load(header, IS_LOADED) === 1,
    markLoaded: () => void Atomics.store(header, IS_LOADED, 1),
  };
}
