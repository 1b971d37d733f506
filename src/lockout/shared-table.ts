import { randomInt } from 'node:crypto';
import { releaseLock, sharedLock } from '../lib/shared-lock.ts';
import type { AttemptDigest } from './attempt.ts';

/** The memory of one table, which threads share. */
export type TableMemory = Readonly<{
  buffer: SharedArrayBuffer;
  addresses: number;
  attempts: number;
  /** The length of the longest name in UTF-8: a multiple of 4. */
  nameBytes: number;
}>;

/**
 * The hash of an address selects a set of so many places, and the address takes any of them. So nobody has to search or
 * sort a full table as a whole.
 */
const WAYS = 16;

/** Header words: the lock, the number of places taken, the hash's seed. */
const HOLDER = 0;
const TAKEN = 1;
const SEED = 2;
const HEADER_BYTES = 16;

/** Above any time in monotonic milliseconds. */
const LOCKED = 1e15;

/** The system gives memory only to pages that are used. */
export function allocateTable(attempts: number, addresses: number, nameBytes: number): TableMemory {
  const bytesEach = 8 * (2 + 2 * attempts) + nameBytes + 8;
  const buffer = new SharedArrayBuffer(HEADER_BYTES + addresses * bytesEach);
  new Int32Array(buffer)[SEED] = randomInt(2 ** 31);
  return { buffer, addresses, attempts, nameBytes };
}

/** Frees the table when the thread that held it has ended. */
export function releaseHeldBy({ buffer }: TableMemory, deadThread: number): void {
  releaseLock(new Int32Array(buffer, 0, HEADER_BYTES / 4), HOLDER, deadThread);
}

/** How many addresses are locked at a time. It reads without the lock, so it may miss one that changes now. */
export function countLocked({ buffer, addresses }: TableMemory, now: number): number {
  if (Atomics.load(new Int32Array(buffer, 0, HEADER_BYTES / 4), TAKEN) === 0) return 0;
  let locked = 0;
  for (const until of new Float64Array(buffer, HEADER_BYTES, addresses)) if (until > now) locked++;
  return locked;
}

export type SharedTable = ReturnType<typeof openSharedTable>;

/**
 * A bounded table of addresses in memory that several threads share. Call everything except `isEmpty` inside
 * `exclusively`. When all places of a set are taken, the address with the oldest change is dropped. If all of them are
 * locked, the one whose lock ends first is dropped.
 */
export function openSharedTable({ buffer, addresses, attempts, nameBytes }: TableMemory) {
  const nameWords = nameBytes / 4;
  const ways = Math.min(WAYS, addresses);
  const sets = Math.floor(addresses / ways);
  let offset = HEADER_BYTES;
  function floats(each: number): Float64Array {
    const array = new Float64Array(buffer, offset, addresses * each);
    offset += array.byteLength;
    return array;
  }
  function words(each: number): Int32Array {
    const array = new Int32Array(buffer, offset, addresses * each);
    offset += array.byteLength;
    return array;
  }
  const header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  /** Monotonic milliseconds; 0 when there is no lock. */
  const lockedUntil = floats(1);
  /** Monotonic milliseconds of the last change. */
  const touched = floats(1);
  /** Monotonic milliseconds of the failures that may still count, oldest first. */
  const failures = floats(attempts);
  /** The digest of each failure, or 0. */
  const failed = floats(attempts);
  const failureCount = words(1);
  const isTaken = words(1);
  const names = words(nameWords);

  const name = new Int32Array(nameWords);
  const nameText = new Uint8Array(name.buffer);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();

  /** Writes the address into `name`, and returns the first place of its set. */
  function firstPlaceOf(address: string): number {
    name.fill(0);
    if (encoder.encodeInto(address, nameText).read < address.length) {
      throw new RangeError('the name of an address is longer than that of any address');
    }
    let hash = header[SEED] ?? 0;
    for (const word of name) hash = Math.imul(hash ^ word ^ (hash >>> 15), 0x2c1b3c6d);
    return (((hash ^ (hash >>> 16)) >>> 0) % sets) * ways;
  }

  function hasName(place: number): boolean {
    for (let i = 0; i < nameWords; i++) if (names[place * nameWords + i] !== name[i]) return false;
    return true;
  }

  function find(address: string): number | undefined {
    const first = firstPlaceOf(address);
    for (let place = first; place < first + ways; place++) {
      if (isTaken[place] === 1 && hasName(place)) return place;
    }
    return undefined;
  }

  function free(place: number): void {
    const wasTaken = isTaken[place] === 1;
    lockedUntil[place] = 0;
    failureCount[place] = 0;
    isTaken[place] = 0;
    if (wasTaken) Atomics.sub(header, TAKEN, 1);
  }

  /** The place with the lowest worth is dropped first. */
  function worth(place: number, now: number): number {
    if (isTaken[place] !== 1) return -1;
    const until = lockedUntil[place] ?? 0;
    return until > now ? LOCKED + until : (touched[place] ?? 0);
  }

  /** The place of the address. A new address takes one. */
  function claim(address: string, now: number): number {
    const known = find(address);
    if (known !== undefined) return known;
    const first = firstPlaceOf(address);
    let place = first;
    let lowest = worth(first, now);
    for (let other = first + 1; other < first + ways; other++) {
      const ofOther = worth(other, now);
      if (ofOther >= lowest) continue;
      place = other;
      lowest = ofOther;
    }
    free(place);
    names.set(name, place * nameWords);
    // If the thread dies here, the count is one too high, and a search is wasted. One too low would hide a lock.
    Atomics.add(header, TAKEN, 1);
    isTaken[place] = 1;
    return place;
  }

  /** How many failures of a place are younger than `since`. */
  function countSince(place: number, since: number): number {
    const first = place * attempts;
    const count = failureCount[place] ?? 0;
    let old = 0;
    while (old < count && (failures[first + old] ?? 0) <= since) old++;
    return count - old;
  }

  /** The same, and removes the older ones. */
  function failuresSince(place: number, since: number): number {
    const left = countSince(place, since);
    const count = failureCount[place] ?? 0;
    const end = place * attempts + count;
    failures.copyWithin(place * attempts, end - left, end);
    failed.copyWithin(place * attempts, end - left, end);
    failureCount[place] = left;
    return left;
  }

  /** The address that has a place. */
  function nameOf(place: number): string {
    const words = names.slice(place * nameWords, (place + 1) * nameWords);
    return decoder.decode(new Uint8Array(words.buffer)).replace(/\0+$/, '');
  }

  /** Whether an attempt is among the failures that were counted by `failuresSince`. */
  function hasFailed(place: number, digest: AttemptDigest): boolean {
    const first = place * attempts;
    const count = failureCount[place] ?? 0;
    for (let i = first; i < first + count; i++) if (failed[i] === digest) return true;
    return false;
  }

  function addFailure(place: number, now: number, digest: AttemptDigest | undefined): void {
    const count = failureCount[place] ?? 0;
    failures[place * attempts + count] = now;
    failed[place * attempts + count] = digest ?? 0;
    failureCount[place] = count + 1;
    touched[place] = now;
  }

  function lock(place: number, until: number): void {
    failureCount[place] = 0;
    lockedUntil[place] = until;
  }

  return {
    /** Whether the table has no address. That is the usual case, and quick to check. */
    isEmpty: () => Atomics.load(header, TAKEN) === 0,

    /** Runs `work` while no other thread uses the table. It must not wait for anything. */
    exclusively: sharedLock(header, HOLDER),

    /** The number of places. */
    addresses,
    /** Whether a name is short enough. All others throw a RangeError. */
    fits: (address: string) => Buffer.byteLength(address) <= nameBytes,
    /** Whether an address has the place. */
    isTaken: (place: number) => isTaken[place] === 1,
    find,
    claim,
    free,
    nameOf,
    countSince,
    failuresSince,
    hasFailed,
    addFailure,
    lock,
    lockedUntil: (place: number) => lockedUntil[place] ?? 0,
  };
}
